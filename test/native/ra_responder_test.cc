// What a router solicitation is answered with, whom the answer reaches, and what is no question.
#include "br-int/br_int.hpp"

#include <doctest/doctest.h>

#include "walk.hpp"

namespace dvr::test {
namespace {

const LocalNetwork& kRed = kCn1.red;  // on cn1: vm1 at port 16, r1 at port 20
constexpr size_t kRoom = 600;
const IpAddr kGatewayLinkLocal = "fe80::f816:3eff:fe00:101"_ip;  // fa:16:3e:00:01:01 by EUI-64

const Tables& tables() {
  static const auto made = advertising(kCn1);
  return *made;
}

Arrival with_room(PortId port, size_t room = kRoom) {
  Arrival arrival = port;
  arrival.tailroom = room;
  return arrival;
}
Bytes solicit(const MacAddr& mac, const IpAddr& src, uint8_t hop_limit = 255, bool with_source_mac = true) {
  return ethernet({mac, "33:33:00:00:00:02"_mac},
                  ipv6({.src = src, .dst = "ff02::2"_ip, .hop_limit = hop_limit},
                       router_solicitation(with_source_mac ? &mac : nullptr)));
}
Walk asked_by_vm1(const IpAddr& src = kVm1.link_local, bool with_source_mac = true) {
  return walk(tables(), with_room(kRed.vm_port), solicit(kVm1.mac, src, 255, with_source_mac));
}

void add_prefix(Bytes& to, uint8_t bits, uint8_t flags, const IpAddr& prefix) {
  add(to, std::vector<uint8_t>{3, 4, bits, flags});
  add32(to, 86400), add32(to, 14400), add32(to, 0), add_v6(to, prefix);
}

// RFC 4861 section 4.2, byte by byte.
Bytes expected_advertisement(const MacAddr& to_mac, const IpAddr& to, uint16_t mtu_bytes = kMtuBytes) {
  Bytes rest{64, 0x80};  // hop limit; M, because one of the prefixes is DHCPv6's
  add16(rest, 1800), add32(rest, 0), add32(rest, 0);
  rest.push_back(1), rest.push_back(1), add(rest, kRedGateway.mac);
  rest.push_back(5), rest.push_back(1), add16(rest, 0), add32(rest, mtu_bytes);
  add_prefix(rest, 64, 0xc0, "2001:db8:1::"_ip);
  add_prefix(rest, 80, 0x80, "2001:db8:1:1::"_ip);
  Bytes frame = ethernet({kRedGateway.mac, to_mac},
                         ipv6({.src = kGatewayLinkLocal, .dst = to, .hop_limit = 255}, icmpv6(134, rest)));
  Bytes summed(frame.begin() + 22, frame.end());  // both addresses and the message
  add32(summed, static_cast<uint32_t>(frame.size() - 54)), add32(summed, 58);  // RFC 8200 section 8.1
  const auto sum = static_cast<uint16_t>(~slow_sum(summed));
  frame[56] = static_cast<uint8_t>(sum >> 8), frame[57] = static_cast<uint8_t>(sum);
  return frame;
}

}  // namespace

TEST_CASE("RFC 4861 section 4.2: a VM's solicitation is answered to it alone, by the local copy's link-local address") {
  for (const bool with_source_mac : {true, false}) {
    const Walk answer = asked_by_vm1(kVm1.link_local, with_source_mac);
    CHECK(answer.text == "classify anti_spoof arp_responder ra_responder > port 16");
    CHECK(answer.intact);
    CHECK(answer.frame == expected_advertisement(kVm1.mac, kVm1.link_local));
  }
}

TEST_CASE("checklist 25: both nodes answer with the same bytes, so the default route is the same on all of them") {
  const Node& node = kCn2;
  const Bytes question = solicit(kVm3.mac, kVm3.link_local);
  const Walk answer = walk(*advertising(node), with_room(node.red.vm_port), question);
  CHECK(answer.text == "classify anti_spoof arp_responder ra_responder > port 33");
  CHECK(answer.frame == expected_advertisement(kVm3.mac, kVm3.link_local));
}

TEST_CASE("RFC 4861 section 6.2.6: who has no address yet is answered as all nodes are, and still alone") {
  const Walk answer = asked_by_vm1("::"_ip, false);
  CHECK(answer.text == "classify anti_spoof arp_responder ra_responder > port 16");
  CHECK(answer.frame == expected_advertisement(kVm1.mac, "ff02::1"_ip));
}

TEST_CASE("checklist 25: the tick at the router's port reaches the VMs of this node and never the wire") {
  const Walk tick = walk(tables(), with_room(kRed.router_port), solicit(kRedGateway.mac, kGatewayLinkLocal));
  CHECK(tick.text == "classify arp_responder ra_responder find_router switch flood > ports 16");
  CHECK(tick.frame == expected_advertisement(kAllNodesMac, "ff02::1"_ip));
  CHECK(tick.intact);
}

TEST_CASE("without a prefix that is DHCPv6's the M flag is clear") {
  const auto slaac = Batch().erase<RaResponderRow>({kRed.local_vlan, 1}).on(tables());
  const Walk answer = walk(*slaac, with_room(kRed.vm_port), solicit(kVm1.mac, kVm1.link_local));
  CHECK(answer.frame[59] == 0);
  CHECK(answer.frame.size() == 14 + 40 + 32 + 32);
}

TEST_CASE("a prefix's host bits are never said") {
  const auto sloppy = Batch().put<RaResponderRow>({kRed.local_vlan, 1}, {kRedGateway.mac, "2001:db8:1:1::77"_ip, 80, false, true})
                          .on(tables());
  const Walk answer = walk(*sloppy, with_room(kRed.vm_port), solicit(kVm1.mac, kVm1.link_local));
  CHECK(answer.frame == expected_advertisement(kVm1.mac, kVm1.link_local));
}

TEST_CASE("sixteen prefixes are said, and no more") {
  Batch batch;
  for (uint16_t index = 0; index < 18; ++index)
    batch.put<RaResponderRow>({kRed.local_vlan, index}, {kRedGateway.mac, "2001:db8::"_ip, 64, true, false});
  const Walk answer = walk(*batch.on(tables()), with_room(kRed.vm_port), solicit(kVm1.mac, kVm1.link_local));
  CHECK(answer.frame.size() == 14 + 40 + 32 + 16 * 32);
  CHECK(answer.intact);
}

TEST_CASE("a network where nothing is advertised floods its questions, as it does everything unknown") {
  const Walk lonely = walk(*cn1(), with_room(kRed.vm_port), solicit(kVm1.mac, kVm1.link_local));
  CHECK(lonely.text == "classify anti_spoof arp_responder ra_responder find_router switch flood dvr_process "
                       "ucast_to_tun flood_to_tun vxlan_encap > ports 20, vteps 172.16.0.12 172.16.0.99 vni 101");
}

TEST_CASE("what is no solicitation is not answered: off-link, fragmented, or from a router that is not the default") {
  const auto ask = [](PortId port, const Bytes& frame) {
    return step(br_int::arp_responder, tables(), with_room(port), frame, kRed.local_vlan);
  };
  CHECK(ask(kRed.vm_port, solicit(kVm1.mac, kVm1.link_local)) == "ra_responder");
  CHECK(ask(kRed.vm_port, solicit(kVm1.mac, kVm1.link_local, 254)) == "find_router");
  const Layer cut = fragment({.more = true}, router_solicitation());
  CHECK(ask(kRed.vm_port, ethernet({kVm1.mac, kAllNodesMac},
                                   ipv6({.src = kVm1.link_local, .dst = "ff02::2"_ip, .hop_limit = 255}, cut))) ==
        "find_router");
  const Bytes by_other = solicit(kOtherRouter.mac, kOtherRouter.link_local);
  CHECK(step(br_int::ra_responder, tables(), with_room(kRed.router_port), by_other, kRed.local_vlan) == "find_router");
  CHECK(step(br_int::ra_responder, tables(), with_room(kRed.vm_port), Bytes(20), kRed.local_vlan) == "drop truncated");
}

TEST_CASE("an answer that has no room behind the question is not begun") {
  const size_t question_bytes = 14 + 40 + 16, answer_bytes = 14 + 40 + 32 + 2 * 32;
  const Bytes question = solicit(kVm1.mac, kVm1.link_local);
  const auto with = [&](size_t room) {
    return walk(tables(), with_room(kRed.vm_port, room), question).verdict == StageId::output &&
           walk(tables(), with_room(kRed.vm_port, room), question).trail.stages.back() == StageId::ra_responder;
  };
  CHECK(with(answer_bytes - question_bytes));
  CHECK_FALSE(with(answer_bytes - question_bytes - 1));
}

TEST_CASE("checklist 26: an interop VTEP's advertisement is dropped and teaches nothing; its other frames pass") {
  const auto from_leaf = [](const Layer& message) {
    const Layer inner = ipv6({.src = kStranger.link_local, .dst = "ff02::1"_ip, .hop_limit = 255}, message);
    return walk(*cn1(), kLeaf, vxlan(kRedVni, ethernet({kStranger.mac, kAllNodesMac}, inner)));
  };
  for (const Layer& message : {router_advertisement(), destination_options(router_advertisement())}) {
    const Walk dropped = from_leaf(message);
    CHECK(dropped.text == "vxlan_decap tun_to_lv classify > drop router_advertisement_from_tunnel");
    CHECK_FALSE(dropped.effects.learn.asked);
  }
  CHECK(from_leaf(neighbour_advertisement(kStranger.ip6)).text ==
        "vxlan_decap tun_to_lv classify find_router switch flood > ports 16");
}

}  // namespace dvr::test
