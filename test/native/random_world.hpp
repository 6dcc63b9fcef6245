// Random but possible deployments and random frames in them: bounded, and the same for the same seed.
// Rows agree with each other (a port floods in its own network only), but any of them may be missing: an
// agent that has not come that far yet must not make a wrong packet.
#pragma once

#include <random>

#include "walk.hpp"

namespace dvr::test {

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  uint32_t below(uint32_t limit) { return limit == 0 ? 0 : static_cast<uint32_t>(engine_() % limit); }
  bool one_in(uint32_t count) { return below(count) == 0; }
  uint8_t byte() { return static_cast<uint8_t>(engine_()); }
  template <class T>
  const T& of(const std::vector<T>& items) { return items[below(static_cast<uint32_t>(items.size()))]; }

 private:
  std::mt19937_64 engine_;
};

// Who may well send a frame: it uses this port, MAC and address half of the time, else any.
struct Sender {
  PortId port = kTunnelPort;
  MacAddr mac{};
  IpAddr ip{};
  MacAddr gateway{};  // a router's of its network, where there is one; a router's own
};

struct World {
  std::shared_ptr<const Tables> tables;
  std::vector<MacAddr> macs{kBroadcast, kAllNodesMac, {}};
  std::vector<MacAddr> dvr_macs;
  std::vector<IpAddr> ips{"0.0.0.0"_ip, "::"_ip, "255.255.255.255"_ip, "ff02::1"_ip};
  std::vector<IpAddr> vteps{"192.0.2.1"_ip};
  std::vector<uint32_t> vnis{4711};
  std::vector<PortId> ports{{9}, {999}};
  std::vector<Sender> senders{{}};
  std::vector<uint16_t> provider_vlans{0, 4000};
};

class WorldMaker {
 public:
  explicit WorldMaker(Random& random) : random_(random) {}

  World make() {
    const uint32_t peer_count = 1 + random_.below(3);
    for (uint32_t peer = 0; peer <= peer_count; ++peer) put_node(peer);
    const uint32_t network_count = 1 + random_.below(3);
    for (uint32_t network = 0; network < network_count; ++network) put_network(network);
    for (uint32_t count = random_.below(3); count > 0; --count)
      put_external_network({static_cast<uint16_t>(100 + count)}, static_cast<uint16_t>(random_.below(2) * (10 + count)));
    world_.tables = batch_.on_nothing();
    return std::move(world_);
  }

 private:
  bool there() { return !random_.one_in(12); }
  MacAddr new_mac(uint8_t third) {
    world_.macs.push_back({{0xfa, 0x16, third, 0, 0, ++last_}});
    return world_.macs.back();
  }
  static IpAddr v4_of(LocalVlan vlan, uint8_t host) { return IpAddr::v4(10, static_cast<uint8_t>(vlan.value), 0, host); }
  static IpAddr v6_of(LocalVlan vlan, uint8_t host) {
    return {{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, static_cast<uint8_t>(vlan.value), host}};
  }
  IpAddr new_ip(LocalVlan vlan) {
    IpAddr ip = random_.one_in(2) ? v4_of(vlan, ++last_) : v6_of(vlan, ++last_);
    if (!ip.is_v4() && random_.one_in(4)) ip.bytes[0] = 0xfe, ip.bytes[1] = 0x80;
    world_.ips.push_back(ip);
    return ip;
  }

  // Node 0 is the one whose tables these are.
  void put_node(uint32_t node) {
    const IpAddr vtep = IpAddr::v4(172, 16, 0, static_cast<uint8_t>(node + 1));
    if (there()) {
      world_.dvr_macs.push_back(new_mac(0x3f));
      batch_.put<DvrMacRow>({world_.dvr_macs.back()}, {node == 0, vtep});
    }
    if (node == 0) return;
    world_.vteps.push_back(vtep);
    if (there()) batch_.put<VtepRow>({vtep}, {random_.one_in(4)});
  }

  void put_network(uint32_t index) {
    const LocalVlan vlan{static_cast<uint16_t>(1 + index * 3)};
    const uint32_t vni = 100 + index;
    world_.vnis.push_back(vni);
    if (there())
      batch_.put<NetworkRow>({vlan}, {{vni}, static_cast<uint16_t>(random_.one_in(4) ? 100 : 1500)});
    if (there()) batch_.put<TunToLvRow>({{vni}}, {vlan});
    for (const IpAddr& vtep : world_.vteps)
      if (there()) batch_.put<FloodToTunRow>({vlan, vtep});
    MacAddr gateway;
    for (uint32_t count = random_.below(3); count > 0; --count) gateway = put_router(vlan);
    for (uint16_t at = 0, count = static_cast<uint16_t>(random_.below(4)); at < count && !gateway.is_zero(); ++at)
      if (there()) batch_.put<RaResponderRow>({vlan, at}, {gateway, v6_of(vlan, 0), 64, random_.one_in(2), random_.one_in(3)});
    for (uint32_t count = random_.below(5); count > 0; --count) put_local_vm(vlan, gateway);
    for (uint32_t count = random_.below(4); count > 0; --count) put_remote_vm(vlan);
  }

  // Ports that are no router's: most are VMs'.
  PortKind host_kind() { return random_.one_in(5) ? PortKind::snat : PortKind::vm; }

  PortId new_port() {
    world_.ports.push_back({static_cast<uint16_t>(kFirstFreePort + world_.ports.size())});
    return world_.ports.back();
  }

  // Each has a wire of its own or shares the one before; who is out there speaks by it, and as one of us.
  void put_external_network(LocalVlan vlan, uint16_t provider_vlan) {
    if (uplink_ == kNoPort || random_.one_in(3)) {
      uplink_ = new_port();
      if (there()) batch_.put<PortRow>({uplink_}, {PortKind::uplink, {}, {}, false});
    }
    world_.provider_vlans.push_back(provider_vlan);
    if (there()) batch_.put<ProviderInRow>({uplink_, provider_vlan}, {vlan});
    if (there()) batch_.put<ProviderOutRow>({vlan}, {uplink_, provider_vlan});
    for (uint32_t count = 1 + random_.below(3); count > 0; --count) put_external_port(vlan);
    world_.senders.push_back({uplink_, new_mac(0x3e), new_ip(vlan), world_.senders.back().mac});
  }

  void put_external_port(LocalVlan vlan) {
    const PortId port = new_port();
    const MacAddr mac = new_mac(0x3e);
    if (there()) batch_.put<PortRow>({port}, {PortKind::external, vlan, mac, false});
    if (there()) batch_.put<ExSwitchRow>({vlan, mac}, {port});
    if (there()) batch_.put<ExFloodRow>({vlan, port});
    world_.senders.push_back({port, mac, new_ip(vlan), random_.of(world_.macs)});
  }

  PortId put_port(LocalVlan vlan, PortKind kind, const MacAddr& mac) {
    const PortId port = new_port();
    if (there()) batch_.put<PortRow>({port}, {kind, vlan, mac, !random_.one_in(3)});
    if (there()) batch_.put<FloodRow>({vlan, port});
    return port;
  }

  void put_address(LocalVlan vlan, const MacAddr& mac, bool router, PortId port = kTunnelPort) {
    const IpAddr ip = new_ip(vlan);
    world_.senders.push_back({port, mac, ip});
    if (there()) batch_.put<NeighbourRow>({vlan, ip}, {mac, router});
  }

  MacAddr put_router(LocalVlan vlan) {
    const MacAddr mac = new_mac(0x3e);
    const PortId port = random_.one_in(3) ? kNoPort : put_port(vlan, PortKind::router, mac);
    batch_.put<RouterMacRow>({vlan, mac}, {port, {static_cast<uint16_t>(random_.below(3))}});
    put_address(vlan, mac, true, port);
    put_routes(vlan, mac);
    put_snat_gateway(vlan, mac);
    return mac;
  }

  // The router's copy sends to its own MAC, here and, as a DVR MAC, on other nodes.
  void put_snat_gateway(LocalVlan vlan, const MacAddr& mac) {
    if (there())
      batch_.put<SnatGatewayRow>({vlan, mac}, {random_.one_in(2) ? IpAddr{} : random_.of(world_.vteps)});
    world_.senders.back().gateway = mac;
    for (const MacAddr& dvr_mac : world_.dvr_macs)
      world_.senders.push_back({kTunnelPort, dvr_mac, world_.ips.back(), mac});
  }

  // Both routers may have a way into the network: to whoever is there, or by one of its addresses.
  void put_routes(LocalVlan vlan, const MacAddr& mac) {
    for (uint16_t number = 1; number <= 2; ++number)
      for (const auto& [bits, ip] : {std::pair{uint16_t{120}, v4_of(vlan, 0)}, std::pair{uint16_t{120}, v6_of(vlan, 0)},
                                     std::pair{uint16_t{96}, "0.0.0.0"_ip}, std::pair{uint16_t{0}, IpAddr{}},
                                     std::pair{uint16_t{128}, random_.of(world_.ips)}}) {
        const bool is_subnet = bits == 120;
        if (is_subnet ? !there() : !random_.one_in(4)) continue;
        const IpAddr next_hop = random_.one_in(is_subnet ? 12 : 2) ? random_.of(world_.ips) : IpAddr{};
        batch_.put<RoutesRow>({{number}, bits, ip}, {vlan, mac, next_hop, bits == 128 && random_.one_in(2)});
      }
  }

  void put_local_vm(LocalVlan vlan, const MacAddr& gateway) {
    const MacAddr mac = new_mac(0x3e);
    const PortId port = put_port(vlan, host_kind(), mac);
    put_address(vlan, mac, false, port);
    world_.senders.back().gateway = gateway;
    if (there()) batch_.put<SwitchRow>({vlan, mac}, {port});
    if (there()) batch_.put<AllowedSourceRow>({port, mac, {}, 128});
    if (there()) batch_.put<AllowedSourceRow>({port, mac, world_.ips.back(), 128});
    if (random_.one_in(3)) batch_.put<AllowedSourceRow>({port, mac, "10.0.0.0"_ip, 104});
    if (!gateway.is_zero() && there()) batch_.put<DvrToSrcMacRow>({vlan, mac, {}}, {gateway, port});
  }

  void put_remote_vm(LocalVlan vlan) {
    const MacAddr mac = new_mac(0x3e);
    put_address(vlan, mac, false);
    if (there()) batch_.put<UcastToTunRow>({vlan, mac}, {random_.of(world_.vteps), random_.one_in(4), random_.one_in(4)});
  }

  Random& random_;
  World world_;
  Batch batch_;
  PortId uplink_ = kNoPort;
  uint8_t last_ = 0;
};

// One frame: mostly well-formed with addresses of the world, sometimes cut or with bytes turned over.
class FrameMaker {
 public:
  FrameMaker(Random& random, const World& world, const Sender& sender)
      : random_(random), world_(world), sender_(sender) {}

  Bytes make() {
    const bool by_router = !sender_.gateway.is_zero() && !random_.one_in(3);
    Bytes frame = by_router ? ethernet({.src = sender_.mac, .dst = sender_.gateway}, to_another_network())
                            : ethernet({.src = src_mac(), .dst = mac()}, network_layer());
    if (by_router && random_.one_in(4)) frame.resize(frame.size() + random_.below(9));
    if (random_.one_in(8)) frame.resize(random_.below(static_cast<uint32_t>(frame.size())));
    for (uint32_t count = random_.one_in(4) ? 1 + random_.below(4) : 0; count > 0 && !frame.empty(); --count)
      frame[random_.below(static_cast<uint32_t>(frame.size()))] = random_.byte();
    return frame;
  }

 private:
  const MacAddr& mac() { return random_.of(world_.macs); }
  // ipv4() of an IPv6 address writes its last four bytes, and the reverse maps: both are frames to survive.
  const IpAddr& ip() { return random_.of(world_.ips); }
  const MacAddr& src_mac() { return random_.one_in(2) ? sender_.mac : mac(); }
  const IpAddr& src_ip() { return random_.one_in(2) ? sender_.ip : ip(); }

  // What a VM sends to its gateway, to an address of its own family where one is found soon.
  Layer to_another_network() {
    IpAddr dst = ip();
    for (int tries = 0; tries < 5 && dst.is_v4() != sender_.ip.is_v4(); ++tries) dst = ip();
    const uint8_t ttl = random_.one_in(6) ? static_cast<uint8_t>(random_.below(3)) : 64;
    if (sender_.ip.is_v4())
      return ipv4({.src = sender_.ip, .dst = dst, .ttl = ttl, .option_words = random_.one_in(9) ? 1u : 0u});
    return ipv6({.src = sender_.ip, .dst = dst, .hop_limit = ttl}, extended());
  }

  Layer network_layer() {
    switch (random_.below(12)) {
      case 0:
        return vlan_tag(static_cast<uint16_t>(random_.below(4096)), ipv4({.src = src_ip(), .dst = ip()}));
      case 1: return {0x88cc, Bytes(20)};
      case 2:
      case 3:
      case 4:
        return arp({static_cast<uint16_t>(random_.below(4)), src_mac(), src_ip(), mac(), ip()});
      case 5:
      case 6:
      case 7:
        return ipv6({.src = src_ip(),
                     .dst = ip(),
                     .hop_limit = static_cast<uint8_t>(random_.one_in(3) ? 64 : 255),
                     .traffic_class = random_.byte()},
                    extended());
      default: {
        const Layer inner =
            random_.one_in(2) ? tcp() : udp({.dst_port = static_cast<uint16_t>(60 + random_.below(10))});
        return ipv4({.src = src_ip(),
                     .dst = ip(),
                     .tos = random_.byte(),
                     .fragment_offset = static_cast<uint16_t>(random_.one_in(4) ? random_.below(9) : 0),
                     .more_fragments = random_.one_in(6),
                     .option_words = random_.one_in(6) ? 1u : 0u},
                    inner);
      }
    }
  }

  Layer extended() {
    Layer inner = icmp_or_udp();
    for (uint32_t count = random_.one_in(3) ? random_.below(10) : 0; count > 0; --count) {
      switch (random_.below(5)) {
        case 0: inner = hop_by_hop(inner); break;
        case 1: inner = destination_options(inner); break;
        case 2: inner = routing_header(inner); break;
        case 3: inner = authentication_header(inner); break;
        default: inner = fragment({static_cast<uint16_t>(random_.below(3)), random_.one_in(2)}, inner);
      }
    }
    return inner;
  }

  Layer icmp_or_udp() {
    const MacAddr& source = mac();
    switch (random_.below(9)) {
      case 6:
      case 7: return router_solicitation(random_.one_in(2) ? &source : nullptr);
      case 0: return neighbour_advertisement(ip(), &source);
      case 1: return router_advertisement();
      case 2: return echo_request();
      case 3: return udp();
      default: return neighbour_solicitation(ip(), random_.one_in(2) ? &source : nullptr);
    }
  }

  Random& random_;
  const World& world_;
  const Sender& sender_;
};

}  // namespace dvr::test
