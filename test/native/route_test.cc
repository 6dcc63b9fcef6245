// Routing in the fast path: what is routed, and what stays the namespace's. On cn1_fast r1 routes between red
// (vm1 at port 16, r1's namespace at port 20) and green (vm4 here at port 17, vm2 on cn2).
#include <doctest/doctest.h>

#include "base/ip_prefix.hpp"
#include "packet/ipv4.hpp"
#include "packet/ipv6.hpp"
#include "walk.hpp"

namespace dvr::test {
namespace {

const PortId kVm1Port = kCn1.red.vm_port;
constexpr const char* kNamespace = "classify anti_spoof arp_responder find_router route > port 20";
constexpr const char* kToCn2 =
    "classify anti_spoof arp_responder find_router route switch dvr_process ucast_to_tun vxlan_encap"
    " > vtep 172.16.0.12 vni 102";
constexpr const char* kToVm4 = "classify anti_spoof arp_responder find_router route switch > port 17";

Bytes from_vm1(const Layer& packet) { return ethernet({.src = kVm1.mac, .dst = kRedGateway.mac}, packet); }
Layer to_vm2(const Layer& inner = udp(), uint8_t ttl = 64) {
  return ipv4({.src = kVm1.ip, .dst = kVm2.ip, .ttl = ttl}, inner);
}
Layer to_vm2_v6(const Layer& inner = udp(), uint8_t hop_limit = 64) {
  return ipv6({.src = kVm1.ip6, .dst = kVm2.ip6, .hop_limit = hop_limit}, inner);
}

std::string way_of(const Layer& packet, const Tables& tables = *cn1_fast()) {
  return walk(tables, kVm1Port, from_vm1(packet)).text;
}
std::shared_ptr<const Tables> cn1_fast_with(const Batch& changes) { return changes.on(*cn1_fast()); }

// vm1 may say anything, to reach the router's own checks.
std::shared_ptr<const Tables> unsecured() {
  return cn1_fast_with(Batch().put<PortRow>({kVm1Port}, {PortKind::vm, {1}, kVm1.mac, false}));
}
std::string way_between(const IpAddr& src, const IpAddr& dst) {
  const Layer packet = dst.is_v4() ? ipv4({.src = src, .dst = dst}) : ipv6({.src = src, .dst = dst});
  return way_of(packet, *unsecured());
}

}  // namespace

TEST_SUITE("routing in the fast path") {
  TEST_CASE("EW1 to EW5 in one passage: MACs, TTL, local VLAN and VNI are as the namespace would leave them") {
    const Walk out = walk(*cn1_fast(), kVm1Port, from_vm1(to_vm2()));
    CHECK(out.text == kToCn2);
    CHECK(out.frame == ethernet({kDvrMac1, kVm2.mac}, to_vm2(udp(), 63)));
    const Walk in = walk(*cn2_fast(), kVtep1, joined(out.vxlan_header, out.frame));
    CHECK(in.text == "vxlan_decap tun_to_lv classify dvr_to_src_mac > port 32");
    CHECK(in.frame == ethernet({kGreenGateway.mac, kVm2.mac}, to_vm2(udp(), 63)));
  }

  TEST_CASE("two subnets on one node: the VM gets the routed frame from its gateway, without a namespace") {
    const Walk out = walk(*cn1_fast(), kVm1Port, from_vm1(ipv4({.src = kVm1.ip, .dst = kVm4.ip})));
    CHECK(out.text == kToVm4);
    CHECK(out.packet.local_vlan == LocalVlan{2});
    CHECK(out.frame ==
          ethernet({kGreenGateway.mac, kVm4.mac}, ipv4({.src = kVm1.ip, .dst = kVm4.ip, .ttl = 63})));
  }

  TEST_CASE("RFC 8200 section 3: IPv6 has its hop limit taken down by one, extension headers go along unread") {
    CHECK(walk(*cn1_fast(), kVm1Port, from_vm1(to_vm2_v6())).frame ==
          ethernet({kDvrMac1, kVm2.mac}, to_vm2_v6(udp(), 63)));
    for (const Layer& inner : {destination_options(udp()), fragment({.offset = 9}, payload()), routing_header(udp())})
      CHECK(way_of(to_vm2_v6(inner)) == kToCn2);
  }

  TEST_CASE("RFC 1812 section 5.2.1.2: fragments are routed like any packet") {
    CHECK(way_of(ipv4({.src = kVm1.ip, .dst = kVm2.ip, .more_fragments = true})) == kToCn2);
    CHECK(way_of(ipv4({.src = kVm1.ip, .dst = kVm2.ip, .fragment_offset = 100})) == kToCn2);
  }

  TEST_CASE("RFC 1624: the checksum follows the TTL for every TTL and protocol, and is never minus zero") {
    for (uint32_t salt = 0; salt < 65536; salt += 7) {
      const IpAddr src = IpAddr::v4(10, 1, static_cast<uint8_t>(salt >> 8), static_cast<uint8_t>(salt));
      const auto ttl = static_cast<uint8_t>(salt % 254 + 2);
      Bytes frame = from_vm1(ipv4({.src = src, .dst = kVm2.ip, .ttl = ttl}));
      Ipv4View::of(frame)->decrement_ttl();
      REQUIRE(frame == from_vm1(ipv4({.src = src, .dst = kVm2.ip, .ttl = static_cast<uint8_t>(ttl - 1)})));
    }
  }

  TEST_CASE("Ethernet's padding stays behind, as the kernel leaves it") {
    Bytes frame = from_vm1(to_vm2());
    frame.resize(60);
    CHECK(walk(*cn1_fast(), kVm1Port, frame).frame == ethernet({kDvrMac1, kVm2.mac}, to_vm2(udp(), 63)));
    Arrival unfinished(kVm1Port);
    unfinished.offload = {.needs_csum = true, .csum_start = 34, .csum_offset = 6};
    CHECK(walk(*cn1_fast(), unfinished, frame).text == kNamespace);
  }

  TEST_CASE("what a namespace puts out is never routed by the fast path") {
    const Bytes frame = ethernet({kGreenGateway.mac, kRedGateway.mac}, to_vm2());
    const auto second = cn1_fast_with(Batch().put<PortRow>({{22}}, {PortKind::router, {1}, kOtherRouter.mac, true}));
    CHECK(walk(*second, PortId{22}, frame).text == "classify arp_responder find_router route > port 20");
  }

  TEST_CASE("a router that has no copy here, or no number, is not the fast path's") {
    const auto gone = cn1_fast_with(Batch().put<RouterMacRow>({{1}, kRedGateway.mac}, {kNoPort, kR1}));
    CHECK(way_of(to_vm2(), *gone) == "classify anti_spoof arp_responder find_router > drop router_not_here");
    CHECK(way_of(to_vm2(), *cn1()) == kNamespace);
  }
}

TEST_SUITE("what stays the namespace's") {
  TEST_CASE("RFC 1812 section 5.3.1, RFC 4443 section 3.3: a last hop is answered, not routed") {
    for (const uint8_t ttl : {0, 1}) {
      CHECK(way_of(to_vm2(udp(), ttl)) == kNamespace);
      CHECK(way_of(to_vm2_v6(udp(), ttl)) == kNamespace);
    }
    CHECK(way_of(to_vm2(udp(), 2)) == kToCn2);
  }

  TEST_CASE("RFC 1812 section 5.3.13: IPv4 options are looked at") {
    CHECK(way_of(ipv4({.src = kVm1.ip, .dst = kVm2.ip, .option_words = 1})) == kNamespace);
  }

  TEST_CASE("RFC 8200 section 4.3: hop-by-hop options are looked at") {
    CHECK(way_of(to_vm2_v6(hop_by_hop(udp()))) == kNamespace);
  }

  TEST_CASE("RFC 1812 section 5.2.2: a header that is not right is refused there") {
    const auto damaged = [](size_t at, uint8_t value) {
      Bytes frame = from_vm1(to_vm2());
      frame[at] = value;
      Buffer buffer(frame);
      Packet packet = packet_of(buffer, kVm1Port);
      packet.local_vlan = {1}, packet.router = kR1, packet.namespace_port = {20};
      Effects effects;
      return verdict_text(router::route(packet, *cn1_fast(), effects), packet, effects);
    };
    CHECK(damaged(26, 10) == "switch");   // the source as it is
    CHECK(damaged(24, 0x99) == "port 20");  // checksum
    CHECK(damaged(14, 0x44) == "port 20");  // header length
    CHECK(damaged(14, 0x65) == "port 20");  // version
    CHECK(damaged(17, 200) == "port 20");   // total length beyond the frame
    CHECK(damaged(12, 0x86) == "port 20");  // EtherType of nobody
  }

  TEST_CASE("RFC 1812 section 5.3.7: martian addresses, as source and as destination") {
    for (const IpAddr& ip : {"0.1.2.3"_ip, "127.0.0.1"_ip, "169.254.169.254"_ip, "224.0.0.5"_ip, "240.0.0.1"_ip,
                             "255.255.255.255"_ip}) {
      CHECK(way_between(kVm1.ip, ip) == kNamespace);
      CHECK(way_between(ip, kVm2.ip) == kNamespace);
    }
  }

  TEST_CASE("RFC 4291 section 2.5: unspecified, loopback, link-local and multicast addresses") {
    for (const IpAddr& ip : {"::1"_ip, "fe80::1"_ip, "ff0e::1"_ip}) {
      CHECK(way_between(kVm1.ip6, ip) == kNamespace);
      CHECK(way_between(ip, kVm2.ip6) == kNamespace);
    }
    CHECK(way_between("::"_ip, kVm2.ip6) == kNamespace);
  }

  TEST_CASE("an IPv4-mapped address in an IPv6 header finds no route of IPv4") {
    CHECK(way_between(kVm1.ip6, kVm2.ip6) == kToCn2);
    const Layer mapped = ipv6({.src = kVm1.ip6, .dst = kVm2.ip});
    CHECK(way_of(mapped, *unsecured()) == kNamespace);
  }

  TEST_CASE("the router's own addresses, its subnets' broadcast and anycast addresses") {
    for (const IpAddr& ip : {kRedGateway.ip, kGreenGateway.ip, "10.2.0.255"_ip})
      CHECK(way_between(kVm1.ip, ip) == kNamespace);
    for (const IpAddr& ip : {kRedGateway.ip6, kGreenGateway.ip6, "2001:db8:2::"_ip})
      CHECK(way_between(kVm1.ip6, ip) == kNamespace);
  }

  TEST_CASE("a packet that claims to come from the router itself") {
    // anti_spoof knows the address of the sender's network; the others are the router's business.
    CHECK(way_between(kGreenGateway.ip, kVm2.ip) == kNamespace);
    CHECK(way_between(kGreenGateway.ip6, kVm2.ip6) == kNamespace);
  }

  TEST_CASE("an address without a route, or without a neighbour") {
    CHECK(way_of(ipv4({.src = kVm1.ip, .dst = "198.51.100.1"_ip})) == kNamespace);
    CHECK(way_of(ipv4({.src = kVm1.ip, .dst = "10.2.0.77"_ip})) == kNamespace);
    CHECK(way_of(ipv6({.src = kVm1.ip6, .dst = "2001:db8:2::77"_ip})) == kNamespace);
  }

  TEST_CASE("RFC 1812 section 5.2.7.2: a packet that leaves by the interface it came in by, a redirect's case") {
    CHECK(way_of(ipv4({.src = kVm1.ip, .dst = kVm3.ip})) == kNamespace);
    CHECK(way_of(ipv6({.src = kVm1.ip6, .dst = kVm1.ip6})) == kNamespace);
  }

  TEST_CASE("a packet larger than the MTU of the network it would leave into: to be cut, or answered") {
    const auto small = cn1_fast_with(Batch().put<NetworkRow>({{2}}, {{kGreenVni}, 1400}));
    CHECK(way_of(to_vm2(udp({}, payload(1372))), *small) == kToCn2);
    CHECK(way_of(to_vm2(udp({}, payload(1373))), *small) == kNamespace);
    CHECK(way_of(to_vm2_v6(udp({}, payload(1353))), *small) == kNamespace);
    const auto unknown = cn1_fast_with(Batch().erase<NetworkRow>({{2}}));
    CHECK(way_of(to_vm2(), *unknown) == kNamespace);
  }

  TEST_CASE("of a super-frame the segments count, not the whole") {
    Arrival arrival(kVm1Port);
    arrival.offload = {.gso = GsoType::tcp_v4, .needs_csum = true, .gso_bytes = 1460, .header_bytes = 54,
                       .csum_start = 34, .csum_offset = 16};
    const Bytes frame = from_vm1(to_vm2(tcp({}, payload(20000))));
    CHECK(walk(*cn1_fast(), arrival, frame).text == kToCn2);
    arrival.offload.gso_bytes = 1461;
    CHECK(walk(*cn1_fast(), arrival, frame).text == kNamespace);
  }

  TEST_CASE("ARP and whatever is not IP") {
    CHECK(way_of({0x88cc, Bytes(50)}) == kNamespace);
    CHECK(way_of(arp({.operation = 2, .sender_mac = kVm1.mac, .sender_ip = kVm1.ip})) == kNamespace);
  }
}

TEST_SUITE("the longest match") {
  const IpAddr kFar = "10.2.0.12"_ip;  // vm2

  std::string by_routes(const Batch& routes, const Layer& packet) { return way_of(packet, *cn1_fast_with(routes)); }
  Layer packet_to(const IpAddr& dst) {
    return dst.is_v4() ? ipv4({.src = kVm1.ip, .dst = dst}) : ipv6({.src = kVm1.ip6, .dst = dst});
  }

  TEST_CASE("a static route leads to its next hop, not to the destination") {
    const Batch routes = Batch().put<RoutesRow>({kR1, 112, "10.9.0.0"_ip}, {{2}, kGreenGateway.mac, kFar, false});
    const Walk out = walk(*cn1_fast_with(routes), kVm1Port, from_vm1(packet_to("10.9.1.1"_ip)));
    CHECK(out.text == kToCn2);
    CHECK(out.dst() == kVm2.mac);
    CHECK(by_routes(routes, packet_to("10.10.0.1"_ip)) == kNamespace);
  }

  TEST_CASE("the longer prefix wins, whichever came first") {
    Batch routes;
    routes.put<RoutesRow>({kR1, 104, "10.0.0.0"_ip}, {{2}, kGreenGateway.mac, kFar, false});
    routes.put<RoutesRow>({kR1, 127, "10.9.0.2"_ip}, {{2}, kGreenGateway.mac, kVm4.ip, false});
    CHECK(by_routes(routes, packet_to("10.9.0.1"_ip)) == kToCn2);
    CHECK(by_routes(routes, packet_to("10.9.0.2"_ip)) == kToVm4);
    CHECK(by_routes(routes, packet_to("10.9.0.3"_ip)) == kToVm4);
    CHECK(by_routes(routes, packet_to("10.9.0.4"_ip)) == kToCn2);
  }

  TEST_CASE("a default route is of its own family, and of its own router") {
    const auto by_default = [](uint16_t bits, const IpAddr& any, const IpAddr& next_hop, RouterId router) {
      return Batch().put<RoutesRow>({router, bits, any}, {{2}, kGreenGateway.mac, next_hop, false});
    };
    const Batch v4 = by_default(96, "0.0.0.0"_ip, kFar, kR1), v6 = by_default(0, {}, kVm2.ip6, kR1);
    CHECK(by_routes(v4, packet_to("198.51.100.1"_ip)) == kToCn2);
    CHECK(by_routes(v4, packet_to("2001:db8:99::1"_ip)) == kNamespace);
    CHECK(by_routes(v6, packet_to("2001:db8:99::1"_ip)) == kToCn2);
    CHECK(by_routes(v6, packet_to("198.51.100.1"_ip)) == kNamespace);
    CHECK(by_routes(by_default(96, "0.0.0.0"_ip, kFar, {2}), packet_to("198.51.100.1"_ip)) == kNamespace);
  }

  TEST_CASE("another router as next hop is left to the namespaces") {
    const Batch routes =
        Batch()
            .put<RoutesRow>({kR1, 112, "10.9.0.0"_ip}, {{2}, kGreenGateway.mac, "10.2.0.2"_ip, false})
            .put<NeighbourRow>({{2}, "10.2.0.2"_ip}, {"fa:16:3e:00:02:02"_mac, true});
    CHECK(by_routes(routes, packet_to("10.9.1.1"_ip)) == kNamespace);
  }

  TEST_CASE("masks of every length keep the first bits and no other") {
    const IpAddr ones{{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}};
    for (uint16_t bits = 0; bits <= kAddressBits; ++bits) {
      const IpAddr prefix = masked(ones, bits);
      for (uint16_t bit = 0; bit < kAddressBits; ++bit)
        REQUIRE((prefix.bytes[bit / 8] >> (7 - bit % 8) & 1) == (bit < bits ? 1 : 0));
    }
  }
}

}  // namespace dvr::test
