// The stages of br-tun, one by one: the common way straight down, and each exit with its reason.
#include "br-tun/br_tun.hpp"

#include <doctest/doctest.h>

#include <set>

#include "random_world.hpp"

namespace dvr::test {
namespace {

const LocalNetwork& kGreen = kCn1.green;  // on cn1: vm4 at port 17, r1 at port 21, vm2 remote

Bytes to_vm1(const Layer& inner = ipv4({.src = kVm3.ip, .dst = kVm1.ip})) {
  return ethernet({.src = kVm3.mac, .dst = kVm1.mac}, inner);
}
// What r1's green interface sends for vm2 (seed step EW3).
Bytes routed(const Layer& inner = ipv4({.src = kVm1.ip, .dst = kVm2.ip, .ttl = 63})) {
  return ethernet({.src = kGreenGateway.mac, .dst = kVm2.mac}, inner);
}

}  // namespace

TEST_SUITE("vxlan_decap") {
  std::string decap(const Arrival& arrival, const Bytes& datagram) {
    return step(br_tun::vxlan_decap, *cn1(), arrival, datagram);
  }

  TEST_CASE("a known VTEP's frame is taken out of its header") {
    CHECK(decap(kVtep2, vxlan(kRedVni, to_vm1())) == "tun_to_lv");
    const Walk inside = walk(*cn1(), kVtep2, vxlan(kRedVni, to_vm1()));
    CHECK(inside.text == "vxlan_decap tun_to_lv classify find_router switch > port 16");
    CHECK(inside.frame == to_vm1());
    CHECK(inside.packet.local_vlan == LocalVlan{1});
    CHECK(inside.packet.vni == Vni{});
  }

  TEST_CASE("whoever is no VTEP of this cloud reaches no network, whatever the VNI") {
    for (const IpAddr& stranger : {"172.16.0.98"_ip, kVtep1, "0.0.0.0"_ip, "::"_ip})
      for (const uint32_t vni : {kRedVni, kGreenVni, 0u})
        CHECK(decap(stranger, vxlan(vni, to_vm1())) == "drop unknown_vtep");
  }

  TEST_CASE("a header of another protocol, or none, is dropped") {
    CHECK(decap(kVtep2, vxlan(kRedVni, to_vm1(), 0x0c)) == "drop bad_vxlan_header");  // VXLAN-GPE's P flag
    CHECK(decap(kVtep2, vxlan(kRedVni, to_vm1(), 0x88)) == "drop bad_vxlan_header");  // group policy's G flag
    CHECK(decap(kVtep2, vxlan(kRedVni, to_vm1(), 0x00)) == "drop bad_vxlan_header");
    CHECK(decap(kVtep2, Bytes(7)) == "drop bad_vxlan_header");
    CHECK(decap(kVtep2, {}) == "drop bad_vxlan_header");
  }

  TEST_CASE("a datagram without a whole Ethernet header is dropped") {
    for (const size_t bytes : {8u, 9u, 21u})
      CHECK(decap(kVtep2, first(vxlan(kRedVni, to_vm1()), bytes)) == "drop truncated");
  }

  TEST_CASE("a frame without IP, or with a broken header, has no ECN to combine and goes on") {
    const Arrival congested(kVtep2, 3);
    CHECK(decap(congested, vxlan(kRedVni, to_vm1({0x88cc, Bytes(9)}))) == "tun_to_lv");
    CHECK(decap(congested, vxlan(kRedVni, first(to_vm1(), 30))) == "tun_to_lv");
  }
}

TEST_SUITE("tun_to_lv") {
  TEST_CASE("a VNI becomes this node's own local VLAN, and one that no network has is dropped") {
    CHECK(walk(*cn2(), kVtep1, vxlan(kGreenVni, routed())).packet.local_vlan == LocalVlan{8});
    for (const uint32_t vni : {0u, 1u, 0xffffffu})
      CHECK(walk(*cn1(), kVtep2, vxlan(vni, to_vm1())).text == "vxlan_decap tun_to_lv > drop unknown_vni");
  }
}

TEST_SUITE("dvr_process") {
  std::string process(const Tables& tables, const Bytes& frame) {
    return step(br_tun::dvr_process, tables, kGreen.router_port, frame, kGreen.local_vlan);
  }

  TEST_CASE("a router MAC as source becomes this node's DVR MAC, a VM's stays") {
    CHECK(process(*cn1(), routed()) == "ucast_to_tun");
    CHECK(walk(*cn1(), kGreen.router_port, routed()).src() == kDvrMac1);
    CHECK(walk(*cn1(), kCn1.red.vm_port, ethernet({kVm1.mac, kVm3.mac}, payload())).src() == kVm1.mac);
  }

  TEST_CASE("a frame to a router MAC does not leave the node") {
    CHECK(process(*cn1(), ethernet({kVm4.mac, kGreenGateway.mac}, payload())) == "drop router_mac_to_wire");
    CHECK(process(*cn1(), ethernet({kGreenGateway.mac, kGreenGateway.mac}, payload())) ==
          "drop router_mac_to_wire");
  }

  TEST_CASE("without a DVR MAC nothing routed leaves the node, everything else does") {
    const auto nameless = Batch().erase<DvrMacRow>({kDvrMac1}).on(*cn1());
    CHECK(process(*nameless, routed()) == "drop no_dvr_mac");
    CHECK(process(*nameless, ethernet({kVm4.mac, kVm2.mac}, payload())) == "ucast_to_tun");
    CHECK(process(*cn1(), Bytes(13)) == "drop truncated");
  }
}

TEST_SUITE("ucast_to_tun and flood_to_tun") {
  std::string send(const MacAddr& dst, LocalVlan local_vlan = {2}) {
    return step(br_tun::ucast_to_tun, *cn1(), kGreen.vm_port, ethernet({kVm4.mac, dst}, payload()),
                local_vlan);
  }
  std::string flood(LocalVlan local_vlan) {
    return step(br_tun::flood_to_tun, *cn1(), kGreen.vm_port, ethernet({kVm4.mac, kBroadcast}, payload()),
                local_vlan);
  }

  TEST_CASE("a known MAC goes to its node, a group to all, an unknown one nowhere") {
    CHECK(send(kVm2.mac) == "vxlan_encap");
    CHECK(send(kBroadcast) == "flood_to_tun");
    CHECK(send(kAllNodesMac) == "flood_to_tun");
    CHECK(send(kStranger.mac) == "drop unknown_unicast");
    CHECK(send(kVm2.mac, {1}) == "drop unknown_unicast");  // known, but in another network
    CHECK(step(br_tun::ucast_to_tun, *cn1(), kGreen.vm_port, Bytes(3), {2}) == "drop truncated");
  }

  TEST_CASE("a broadcast goes to every VTEP of its network, and ends here where there is none") {
    CHECK(flood({1}) == "vxlan_encap");
    CHECK(flood({3}) == "nothing");
    CHECK(walk(*cn1(), kGreen.vm_port, ethernet({kVm4.mac, kBroadcast}, payload())).text ==
          "classify anti_spoof arp_responder find_router switch flood dvr_process ucast_to_tun flood_to_tun "
          "vxlan_encap"
          " > ports 21, vteps 172.16.0.12 vni 102");
  }
}

TEST_SUITE("vxlan_encap") {
  std::string encap(const Bytes& frame, LocalVlan local_vlan = {2}, Offload offload = {}) {
    return step(br_tun::vxlan_encap, *cn1(), kGreen.router_port, frame, [&](Packet& packet) {
      packet.local_vlan = local_vlan;
      packet.offload = offload;
      packet.outer.vtep = kVtep2;
      packet.out_port = kTunnelPort;
    });
  }
  Bytes sized(size_t packet_bytes) {
    return routed(ipv4({.src = kVm1.ip, .dst = kVm2.ip}, udp({}, payload(packet_bytes - 28))));
  }
  uint32_t flow_hash(const Layer& inner, const MacAddr& dst = kVm2.mac) {
    const auto tables = Batch().put<UcastToTunRow>({{2}, kStranger.mac}, {kVtep2, false, false}).on(*cn1());
    const Walk sent = walk(*tables, kGreen.router_port, ethernet({kGreenGateway.mac, dst}, inner));
    REQUIRE(sent.packet.encapsulated);
    return sent.packet.outer.flow_hash;
  }

  TEST_CASE("RFC 7348 section 5: the header in front has the I flag, the network's VNI, and zeros") {
    const Walk sent = walk(*cn1(), kGreen.router_port, routed());
    CHECK(sent.text ==
          "classify arp_responder find_router switch dvr_process ucast_to_tun vxlan_encap > vtep 172.16.0.12 vni "
          "102");
    CHECK(sent.vxlan_header == Bytes{0x08, 0, 0, 0, 0, 0, 102, 0});
    CHECK(sent.packet.local_vlan == LocalVlan{});
  }

  TEST_CASE("a packet of the network's MTU passes, one byte more does not") {
    CHECK(encap(sized(kMtuBytes)) == "vtep 172.16.0.12 vni 102");
    CHECK(encap(sized(kMtuBytes + 1)) == "drop over_mtu");
  }

  TEST_CASE("of a super-frame the segments count, not the whole") {
    const Offload segments{.gso = GsoType::tcp_v4, .gso_bytes = 1446, .header_bytes = 14 + 40};
    CHECK(encap(sized(60000), {2}, {.gso = GsoType::tcp_v4, .gso_bytes = 1460, .header_bytes = 54}) ==
          "vtep 172.16.0.12 vni 102");
    CHECK(encap(sized(60000), {2}, {.gso = GsoType::tcp_v4, .gso_bytes = 1461, .header_bytes = 54}) ==
          "drop over_mtu");
    CHECK(encap(sized(60000), {2}, segments) == "vtep 172.16.0.12 vni 102");
  }

  TEST_CASE("a network without a row has no VNI to leave with, and a cut frame no header") {
    CHECK(encap(routed(), {3}) == "drop unknown_vni");
    CHECK(encap(Bytes(13)) == "drop truncated");
  }

  TEST_CASE("RFC 7348 section 5: one flow keeps one source port, other flows get others") {
    const auto flow = [](uint16_t port) {
      return ipv4({.src = kVm1.ip, .dst = kVm2.ip}, tcp({.src_port = port, .dst_port = 443}));
    };
    CHECK(flow_hash(flow(5000)) == flow_hash(ipv4({.src = kVm1.ip, .dst = kVm2.ip, .ttl = 9, .tos = 0x10},
                                                  tcp({.src_port = 5000, .dst_port = 443}, payload(900)))));
    std::set<uint32_t> source_ports;
    for (uint16_t port = 0; port < 4096; ++port) source_ports.insert(flow_hash(flow(port)) % 16384);
    CHECK(source_ports.size() > 3300);  // 4096 balls in 16384 boxes: 3624 expected
  }

  TEST_CASE("flows differ by protocol, both addresses and both ports; frames without IP by their MACs") {
    const auto v6 = [](const IpAddr& src, Ports ports, bool is_udp) {
      return ipv6({.src = src, .dst = kVm2.ip6}, destination_options(is_udp ? udp(ports) : tcp(ports)));
    };
    const std::set<uint32_t> hashes{
        flow_hash(ipv4({.src = kVm1.ip, .dst = kVm2.ip}, udp({1, 2}))),
        flow_hash(ipv4({.src = kVm1.ip, .dst = kVm2.ip}, tcp({1, 2}))),
        flow_hash(ipv4({.src = kVm1.ip, .dst = kVm2.ip}, tcp({2, 1}))),
        flow_hash(ipv4({.src = kVm2.ip, .dst = kVm1.ip}, tcp({1, 2}))),
        flow_hash(v6(kVm1.ip6, {1, 2}, true)),
        flow_hash(v6(kVm1.ip6, {1, 2}, false)),
        flow_hash(v6(kVm1.ip6, {1, 3}, true)),
        flow_hash(v6(kVm3.ip6, {1, 2}, true)),
        flow_hash({0x88cc, Bytes(9)}),
        flow_hash({0x88cc, Bytes(9)}, kStranger.mac)};
    CHECK(hashes.size() == 10);
  }

  TEST_CASE("all fragments of a datagram have one hash, though only the first has ports") {
    const auto v4 = [](uint16_t offset, bool more, const Layer& inner) {
      return flow_hash(
          ipv4({.src = kVm1.ip, .dst = kVm2.ip, .fragment_offset = offset, .more_fragments = more}, inner));
    };
    CHECK(v4(0, true, udp({1, 2}, payload(64))) == v4(9, true, {17, Bytes(64)}));
    CHECK(v4(0, true, udp({1, 2}, payload(64))) == v4(18, false, {17, Bytes(3)}));
  }

  TEST_CASE(
      "IPv6 fragments stay together though a later one cannot tell the protocol (RFC 8200 section 4.5)") {
    const auto v6 = [](FragmentFields f, const Layer& inner) {
      return flow_hash(ipv6({.src = kVm1.ip6, .dst = kVm2.ip6}, fragment(f, inner)));
    };
    const uint32_t head = v6({.more = true}, destination_options(udp({1, 2}, payload(64))));
    CHECK(head == v6({.offset = 9, .more = true}, {60, Bytes(64)}));
    CHECK(head == v6({.offset = 17}, {60, Bytes(5)}));
    CHECK(head ==
          v6({.more = true}, {60, {17, 9, 1, 4, 0, 0, 0, 0}}));  // its chain goes on in the next fragment
  }
}

}  // namespace dvr::test
