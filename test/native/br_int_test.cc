// The stages of br-int, one by one: the common way straight down, and each exit with its reason.
// anti_spoof and arp_responder have files of their own.
#include "br-int/br_int.hpp"

#include <doctest/doctest.h>

#include "walk.hpp"

namespace dvr::test {
namespace {

const LocalNetwork& kRed = kCn1.red;  // on cn1: vm1 at port 16, r1 at port 20, vm3 remote

Bytes between(const Nic& from, const Nic& to) {
  return ethernet({.src = from.mac, .dst = to.mac}, ipv4({.src = from.ip, .dst = to.ip}));
}
Bytes from_vm1(const Layer& inner) { return ethernet({.src = kVm1.mac, .dst = kRedGateway.mac}, inner); }

// A node with more rows than cn1.
std::shared_ptr<const Tables> cn1_with(const Batch& changes) { return changes.on(*cn1()); }

}  // namespace

TEST_SUITE("classify") {
  std::string classify(const Arrival& arrival, const Bytes& frame, LocalVlan local_vlan = {}) {
    return step(br_int::classify, *cn1(), arrival, frame, local_vlan);
  }

  TEST_CASE("a VM's frame is checked, a router's is trusted, and both get their network") {
    CHECK(classify(kRed.vm_port, between(kVm1, kRedGateway)) == "anti_spoof");
    CHECK(classify(kRed.router_port, between(kRedGateway, kVm1)) == "arp_responder");
    CHECK(walk(*cn1(), kRed.vm_port, between(kVm1, kRedGateway)).packet.local_vlan == LocalVlan{1});
  }

  TEST_CASE("a frame from the tunnel goes by its source: a DVR MAC or another node's VM") {
    CHECK(classify(kVtep2, ethernet({kDvrMac2, kVm1.mac}, payload()), {1}) == "dvr_to_src_mac");
    CHECK(classify(kVtep2, between(kVm3, kVm1), {1}) == "find_router");
    CHECK(classify(kLeaf, ethernet({kDvrMac2, kVm1.mac}, payload()), {1}) == "drop dvr_mac_of_other_vtep");
  }

  TEST_CASE("a port without a row is dropped, the mirrors' ports included") {
    for (const PortId port : {kNoPort, kMirrorBrInt, kMirrorBrTun, PortId{999}, PortId{65535}})
      CHECK(classify(port, between(kVm1, kVm3)) == "drop unknown_port");
  }

  TEST_CASE("RFC 7348 section 6.1: a tagged frame is dropped, from a VM and from the tunnel") {
    for (const uint16_t tpid : {0x8100, 0x88a8}) {
      const Bytes tagged = from_vm1(vlan_tag(5, ipv4({.src = kVm1.ip, .dst = kVm2.ip}), tpid));
      CHECK(classify(kRed.vm_port, tagged) == "drop vlan_tagged");
      CHECK(classify(kVtep2, tagged, {1}) == "drop vlan_tagged");
    }
  }

  TEST_CASE("a group or zero source and a cut frame are dropped") {
    CHECK(classify(kRed.vm_port, ethernet({kBroadcast, kVm1.mac}, payload())) == "drop bad_source_address");
    CHECK(classify(kVtep2, ethernet({kAllNodesMac, kVm1.mac}, payload()), {1}) == "drop bad_source_address");
    CHECK(classify(kRed.vm_port, ethernet({{}, kVm1.mac}, payload())) == "drop bad_source_address");
    CHECK(classify(kRed.vm_port, first(between(kVm1, kVm3), 13)) == "drop truncated");
  }

  TEST_CASE("from the tunnel nobody speaks as this node or as a router") {
    CHECK(classify(kVtep2, ethernet({kDvrMac1, kVm1.mac}, payload()), {1}) == "drop own_dvr_mac_from_tunnel");
    CHECK(classify(kVtep2, between(kRedGateway, kVm1), {1}) == "drop router_mac_from_tunnel");
    CHECK(classify(kVtep2, between(kOtherRouter, kVm1), {1}) == "drop router_mac_from_tunnel");
  }
}

TEST_SUITE("learning") {
  Effects::Learn learned(const Tables& tables, const IpAddr& vtep, const MacAddr& src) {
    return walk(tables, vtep, vxlan(kRedVni, ethernet({.src = src, .dst = kVm1.mac}, payload())))
        .effects.learn;
  }

  TEST_CASE("a MAC behind an interop VTEP is asked to be learned, with its network and VTEP") {
    const auto learn = learned(*cn1(), kLeaf, kStranger.mac);
    CHECK(learn.asked);
    CHECK(learn.mac == kStranger.mac);
    CHECK(learn.vtep == kLeaf);
    CHECK(learn.local_vlan == LocalVlan{1});
  }

  TEST_CASE(
      "nothing is learned from a node of this cloud, nor from a DVR or router MAC, nor of a local port") {
    CHECK_FALSE(learned(*cn1(), kVtep2, kStranger.mac).asked);
    CHECK_FALSE(learned(*cn1(), kLeaf, kDvrMac2).asked);
    CHECK_FALSE(learned(*cn1(), kLeaf, kDvrMac1).asked);
    CHECK_FALSE(learned(*cn1(), kLeaf, kRedGateway.mac).asked);
    CHECK_FALSE(learned(*cn1(), kLeaf, kVm1.mac).asked);
  }

  TEST_CASE("what is known there already is not asked again, what has moved is") {
    const auto known = cn1_with(Batch().put<UcastToTunRow>({{1}, kStranger.mac}, {kLeaf, true, false}));
    CHECK_FALSE(learned(*known, kLeaf, kStranger.mac).asked);
    const auto stale = cn1_with(Batch().put<UcastToTunRow>({{1}, kStranger.mac}, {kLeaf, true, true}));
    CHECK(learned(*stale, kLeaf, kStranger.mac).asked);
    const auto moved = cn1_with(Batch().put<UcastToTunRow>({{1}, kStranger.mac}, {kVtep2, true, false}));
    CHECK(learned(*moved, kLeaf, kStranger.mac).asked);
  }
}

TEST_SUITE("dvr_to_src_mac") {
  std::string deliver(const Bytes& frame, const Tables& tables = *cn1()) {
    return step(br_int::dvr_to_src_mac, tables, kVtep2, frame, {1});
  }

  TEST_CASE("a routed frame reaches its VM with the gateway as source") {
    const Bytes frame = ethernet({kDvrMac2, kVm1.mac}, ipv4({.src = kVm2.ip, .dst = kVm1.ip}));
    CHECK(deliver(frame) == "port 16");
    CHECK(walk(*cn1(), kVtep2, vxlan(kRedVni, frame)).src() == kRedGateway.mac);
  }

  TEST_CASE("where subnets of one network have a gateway each, the address decides, else the MAC") {
    const auto tables =
        cn1_with(Batch().put<DvrToSrcMacRow>({{1}, kVm1.mac, kVm1.ip6}, {kOtherRouter.mac, {16}}));
    const auto source_of = [&](const Layer& packet) {
      return walk(*tables, kVtep2, vxlan(kRedVni, ethernet({kDvrMac2, kVm1.mac}, packet))).src();
    };
    CHECK(source_of(ipv6({.src = kVm2.ip6, .dst = kVm1.ip6})) == kOtherRouter.mac);
    CHECK(source_of(ipv4({.src = kVm2.ip, .dst = kVm1.ip})) == kRedGateway.mac);
    CHECK(source_of({0x88cc, Bytes(9)}) == kRedGateway.mac);
  }

  TEST_CASE("from a DVR MAC nothing is flooded and nothing goes to an unknown or a remote MAC") {
    for (const MacAddr& dst : {kBroadcast, kAllNodesMac, kStranger.mac, kVm3.mac, kGreenGateway.mac, kDvrMac1})
      CHECK(deliver(ethernet({kDvrMac2, dst}, ipv4({.src = kVm2.ip, .dst = kVm1.ip}))) ==
            "drop dvr_mac_not_to_local_port");
    CHECK(deliver(Bytes(13)) == "drop truncated");
  }
}

TEST_SUITE("find_router, switch and flood") {
  std::string find_router(const Arrival& arrival, const MacAddr& dst) {
    return step(br_int::find_router, *cn1(), arrival, ethernet({kVm1.mac, dst}, payload()), {1});
  }
  std::string switched(const Arrival& arrival, const MacAddr& dst) {
    return step(br_int::switch_, *cn1(), arrival, ethernet({kVm1.mac, dst}, payload()), {1});
  }
  std::string flooded(const Arrival& arrival) {
    return step(br_int::flood, *cn1(), arrival, ethernet({kVm1.mac, kBroadcast}, payload()), {1});
  }

  TEST_CASE("a frame for a router goes to it, any other to the switch") {
    CHECK(find_router(kRed.vm_port, kRedGateway.mac) == "route");
    CHECK(find_router(kRed.vm_port, kVm3.mac) == "switch");
    CHECK(find_router(kRed.vm_port, kGreenGateway.mac) == "switch");  // another network's router is none here
    CHECK(find_router(kVtep2, kVm1.mac) == "switch");
  }

  TEST_CASE("a router that is not here, the router itself, and the tunnel do not reach the router") {
    CHECK(find_router(kRed.vm_port, kOtherRouter.mac) == "drop router_not_here");
    CHECK(find_router(kRed.router_port, kRedGateway.mac) == "drop back_to_sender");  // of another source
    CHECK(find_router(kVtep2, kRedGateway.mac) == "drop to_router_from_tunnel");
    CHECK(find_router(kVtep2, kOtherRouter.mac) == "drop to_router_from_tunnel");
    CHECK(step(br_int::find_router, *cn1(), kRed.vm_port, Bytes(13), {1}) == "drop truncated");
  }

  TEST_CASE("the switch knows local ports, floods groups, and sends the rest towards br-tun") {
    CHECK(switched(kRed.router_port, kVm1.mac) == "port 16");
    CHECK(switched(kVtep2, kVm1.mac) == "port 16");
    CHECK(switched(kRed.vm_port, kBroadcast) == "flood");
    CHECK(switched(kRed.vm_port, kAllNodesMac) == "flood");
    CHECK(switched(kRed.vm_port, kVm3.mac) == "dvr_process");
    CHECK(switched(kRed.vm_port, kVm4.mac) == "dvr_process");  // green's VM is not of this network
  }

  TEST_CASE("nothing goes back where it came from") {
    CHECK(switched(kRed.vm_port, kVm1.mac) == "drop back_to_sender");
    CHECK(switched(kVtep2, kVm3.mac) == "drop split_horizon");
    CHECK(step(br_int::switch_, *cn1(), kRed.vm_port, Bytes(13), {1}) == "drop truncated");
  }

  TEST_CASE("a VM's broadcast goes to the local ports and on to the other nodes") {
    CHECK(flooded(kRed.vm_port) == "dvr_process");
    CHECK(walk(*cn1(), kRed.vm_port, ethernet({kVm1.mac, kBroadcast}, {0x88cc, Bytes(9)})).text ==
          "classify anti_spoof arp_responder find_router switch flood dvr_process ucast_to_tun flood_to_tun "
          "vxlan_encap"
          " > ports 20, vteps 172.16.0.12 172.16.0.99 vni 101");
  }

  TEST_CASE("a router's broadcast stays on its node") { CHECK(flooded(kRed.router_port) == "ports 16"); }

  TEST_CASE("the tunnel's broadcast reaches the VMs and no router, which would answer once for every node") {
    CHECK(flooded(kVtep2) == "ports 16");
  }

  TEST_CASE("a broadcast of a port that went meanwhile stays on the node") {
    CHECK(flooded(PortId{999}) == "ports 16 20");
  }
}

}  // namespace dvr::test
