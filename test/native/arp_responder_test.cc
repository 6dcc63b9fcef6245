// Who is answered at the first hop, with what, and what is let past.
#include "br-int/br_int.hpp"

#include <doctest/doctest.h>

#include "packet/vrrp.hpp"
#include "walk.hpp"

namespace dvr::test {
namespace {

const LocalNetwork& kRed = kCn1.red;  // on cn1: vm1 at port 16, r1 at port 20, vm3 remote

Bytes between(const Nic& from, const Nic& to) {
  return ethernet({.src = from.mac, .dst = to.mac}, ipv4({.src = from.ip, .dst = to.ip}));
}
Bytes from_vm1(const Layer& inner) { return ethernet({.src = kVm1.mac, .dst = kRedGateway.mac}, inner); }
Layer v6_from(const IpAddr& src, const Layer& inner) {
  return ipv6({.src = src, .dst = "ff02::1"_ip, .hop_limit = 255}, inner);
}
Bytes ask(const Nic& asker, const IpAddr& target, const MacAddr& dst = kBroadcast) {
  return ethernet({asker.mac, dst}, arp({.sender_mac = asker.mac, .sender_ip = asker.ip,
                                         .target_ip = target}));
}
Bytes solicit(const Nic& asker, const IpAddr& src, const IpAddr& target, uint8_t hop_limit = 255,
              bool with_source_mac = true) {
  return ethernet({asker.mac, "33:33:ff:00:00:11"_mac},
                  ipv6({.src = src, .dst = "ff02::1:ff00:11"_ip, .hop_limit = hop_limit},
                       neighbour_solicitation(target, with_source_mac ? &asker.mac : nullptr)));
}
std::string respond(const Bytes& frame, PortId port = kRed.vm_port) {
  return step(br_int::arp_responder, *cn1(), port, frame, {1});
}

}  // namespace

TEST_CASE("a known address is answered to who asked: the gateway, a remote VM, a local VM, also by unicast") {
  for (const Nic& target : {kRedGateway, kVm3}) {
    const Walk answer = walk(*cn1(), kRed.vm_port, ask(kVm1, target.ip));
    CHECK(answer.text == "classify anti_spoof arp_responder > port 16");
    CHECK(answer.frame == ethernet({target.mac, kVm1.mac},
                                   arp({.operation = 2, .sender_mac = target.mac, .sender_ip = target.ip,
                                        .target_mac = kVm1.mac, .target_ip = kVm1.ip})));
  }
  CHECK(respond(ask(kVm1, kVm3.ip, kVm3.mac)) == "port 16");
  CHECK(respond(ask(kRedGateway, kVm1.ip), kRed.router_port) == "port 20");
}

TEST_CASE("RFC 4861 section 7.2.4: a solicited advertisement comes from the target, checksum right") {
  for (const bool with_source_mac : {true, false}) {  // without it the answer is longer than the question
    const Walk answer =
        walk(*cn1(), kRed.vm_port, solicit(kVm1, kVm1.link_local, kRedGateway.ip6, 255, with_source_mac));
    CHECK(answer.text == "classify anti_spoof arp_responder > port 16");
    CHECK(answer.intact);
    Bytes expected = ethernet({kRedGateway.mac, kVm1.mac},
                              ipv6({.src = kRedGateway.ip6, .dst = kVm1.link_local, .hop_limit = 255},
                                   neighbour_advertisement(kRedGateway.ip6, &kRedGateway.mac)));
    expected[58] = 0xe0;  // router, solicited, override
    std::copy_n(answer.frame.begin() + 56, 2, expected.begin() + 56);
    CHECK(answer.frame == expected);
    Bytes summed(answer.frame.begin() + 22, answer.frame.end());  // both addresses and the message
    add32(summed, 32), add32(summed, 58);                         // RFC 8200 section 8.1
    CHECK(slow_sum(summed) == 0xffff);
  }
}

TEST_CASE("the R flag is a router's only") {
  CHECK(walk(*cn1(), kRed.vm_port, solicit(kVm1, kVm1.ip6, kVm3.ip6)).frame[58] == 0x60);
}

TEST_CASE("RFC 4861 section 7.2.4: duplicate address detection is answered to all nodes, unsolicited") {
  const Walk answer = walk(*cn1(), kRed.vm_port, solicit(kVm1, "::"_ip, kVm3.ip6, 255, false));
  CHECK(answer.text == "classify anti_spoof arp_responder > port 16");
  CHECK(answer.frame[58] == 0x20);
  const Bytes all_nodes(answer.frame.begin() + 38, answer.frame.begin() + 54);
  CHECK(std::ranges::equal(all_nodes, "ff02::1"_ip.bytes));
}

TEST_CASE("who probes for its own address hears nothing from us (RFC 5227, RFC 4862)") {
  Bytes probe = ethernet({kVm1.mac, kBroadcast}, arp({.sender_mac = kVm1.mac, .sender_ip = "0.0.0.0"_ip,
                                                      .target_ip = kVm1.ip}));
  CHECK(respond(probe) == "find_router");
  CHECK(respond(solicit(kVm1, "::"_ip, kVm1.ip6)) == "find_router");
}

TEST_CASE("RFC 5227 section 2.3: an announcement asks nothing and goes on, as replies do") {
  CHECK(respond(ask(kVm1, kVm1.ip)) == "find_router");
  CHECK(respond(ethernet({kVm1.mac, kVm3.mac}, arp({.operation = 2,
                                                    .sender_mac = kVm1.mac,
                                                    .sender_ip = kVm1.ip,
                                                    .target_mac = kVm3.mac,
                                                    .target_ip = kVm3.ip}))) == "find_router");
  CHECK(respond(ethernet({kVm1.mac, kVm3.mac}, ipv6({.src = kVm1.ip6, .dst = kVm3.ip6},
                                                    neighbour_advertisement(kVm1.ip6)))) == "find_router");
}

TEST_CASE("an unknown target floods from a VM, never from a router") {
  CHECK(respond(ask(kVm1, kStranger.ip)) == "find_router");
  CHECK(respond(solicit(kVm1, kVm1.ip6, kStranger.ip6)) == "find_router");
  CHECK(respond(ask(kRedGateway, kStranger.ip), kRed.router_port) == "drop unknown_target_from_router");
  CHECK(respond(solicit(kRedGateway, kRedGateway.ip6, kStranger.ip6), kRed.router_port) ==
        "drop unknown_target_from_router");
}

TEST_CASE("an address of another network is unknown here") {
  CHECK(respond(ask(kVm1, kVm2.ip)) == "find_router");
}

TEST_CASE("what is no question is not answered: off-link, fragmented, cut, other ICMPv6, other protocols") {
  CHECK(respond(solicit(kVm1, kVm1.ip6, kVm3.ip6, 254)) == "find_router");
  CHECK(respond(from_vm1(v6_from(kVm1.ip6, fragment({}, neighbour_solicitation(kVm3.ip6))))) == "find_router");
  CHECK(respond(from_vm1(v6_from(kVm1.ip6, icmpv6(135, Bytes(19))))) == "find_router");
  CHECK(respond(from_vm1(v6_from(kVm1.ip6, echo_request()))) == "find_router");
  CHECK(respond(first(solicit(kVm1, kVm1.ip6, kVm3.ip6), 60)) == "find_router");
  CHECK(respond(first(ask(kVm1, kVm3.ip), 41)) == "find_router");
  CHECK(respond(between(kVm1, kVm3)) == "find_router");
  CHECK(respond(Bytes(13)) == "drop truncated");
}

TEST_CASE("an answer has nothing left for the device to do") {
  Arrival arrival = kRed.vm_port;
  arrival.offload = {.needs_csum = true, .csum_start = 54, .csum_offset = 2};
  CHECK_FALSE(walk(*cn1(), arrival, solicit(kVm1, kVm1.ip6, kVm3.ip6)).packet.offload.needs_csum);
}

TEST_SUITE("announcements") {
  const IpAddr kShared = "10.1.0.100"_ip, kShared6 = "fd00:1::100"_ip;
  // vm1 may use two addresses that others may use as well.
  const std::shared_ptr<const Tables>& sharing() {
    static const auto tables = Batch()
                                   .put<NeighbourRow>({{1}, kShared}, {kVm3.mac, false, true})
                                   .put<NeighbourRow>({{1}, kShared6}, {kVm3.mac, false, true})
                                   .put<AllowedSourceRow>({kRed.vm_port, kVm1.mac, kShared, 128}, {})
                                   .put<AllowedSourceRow>({kRed.vm_port, kVm1.mac, kShared6, 128}, {})
                                   .put<AllowedSourceRow>({kRed.vm_port, kVm1.mac, kStranger.ip, 128}, {})
                                   .on(*cn1());
    return tables;
  }
  Bytes gratuitous(const IpAddr& ip, uint16_t operation = 1) {
    return ethernet({kVm1.mac, kBroadcast},
                    arp({.operation = operation, .sender_mac = kVm1.mac, .sender_ip = ip, .target_ip = ip}));
  }
  Bytes unsolicited(const IpAddr& target, uint8_t flags = 0x20) {
    Bytes frame = ethernet({kVm1.mac, "33:33:00:00:00:01"_mac},
                           v6_from(kVm1.ip6, neighbour_advertisement(target, &kVm1.mac)));
    frame[58] = flags;
    return frame;
  }
  Effects::Announce told(const Bytes& frame, const Arrival& from = kRed.vm_port) {
    return walk(*sharing(), from, frame).effects.announce;
  }

  TEST_CASE("RFC 5227 section 2.3: a VM's announcement of an address that may move is told, and goes on to everybody") {
    for (const uint16_t operation : {1, 2}) {
      const auto announce = told(gratuitous(kShared, operation));
      CHECK(announce.asked);
      CHECK(announce.ip == kShared);
      CHECK(announce.mac == kVm1.mac);
    }
    CHECK(walk(*sharing(), kRed.vm_port, gratuitous(kShared)).text.find("flood") != std::string::npos);
  }

  TEST_CASE("RFC 4861 section 7.2.6: an unsolicited advertisement is told likewise, an answer is not") {
    const auto announce = told(unsolicited(kShared6));
    CHECK(announce.asked);
    CHECK(announce.ip == kShared6);
    CHECK(announce.mac == kVm1.mac);
    CHECK_FALSE(told(unsolicited(kShared6, 0x60)).asked);
  }

  TEST_CASE("an address that no port is known to have is told: a pair that is a prefix allows it") {
    CHECK(told(gratuitous(kStranger.ip)).asked);
  }

  TEST_CASE("what is a port's own, a probe, forged, or not from a VM is not told") {
    CHECK_FALSE(told(gratuitous(kVm1.ip)).asked);
    CHECK_FALSE(told(gratuitous("0.0.0.0"_ip)).asked);
    CHECK_FALSE(told(gratuitous("10.1.0.101"_ip)).asked);
    CHECK_FALSE(told(ask(kVm1, kShared)).asked);
    CHECK_FALSE(told(vxlan(kRedVni, gratuitous(kShared)), kVtep2).asked);
    CHECK_FALSE(told(ethernet({kRedGateway.mac, kBroadcast},
                              arp({.sender_mac = kRedGateway.mac, .sender_ip = kShared, .target_ip = kShared})),
                     kRed.router_port)
                    .asked);
  }

  Layer vrrp(std::vector<IpAddr> addresses, uint8_t priority = 100, uint8_t version = 3) {
    const bool is_v6 = !addresses.empty() && !addresses[0].is_v4();
    Bytes message{static_cast<uint8_t>(version << 4 | 1), 0x33, priority, static_cast<uint8_t>(addresses.size()), 0, 100, 0, 0};
    for (const IpAddr& ip : addresses)
      message.insert(message.end(), is_v6 ? ip.bytes.begin() : ip.bytes.begin() + 12, ip.bytes.end());
    return {kProtocolVrrp, message};
  }
  Bytes advertisement(const Layer& message, const MacAddr& src = kVm1.mac, uint8_t ttl = 255) {
    return ethernet({src, "01:00:5e:00:00:12"_mac}, ipv4({.src = kVm1.ip, .dst = "224.0.0.18"_ip, .ttl = ttl}, message));
  }
  const MacAddr kVirtual = "00:00:5e:00:01:33"_mac;

  TEST_CASE("RFC 5798 section 5.1: a master's advertisement is told while its address leads elsewhere, and no longer") {
    for (const uint8_t version : {2, 3}) {
      const auto announce = told(advertisement(vrrp({kVm1.ip, kShared}, 100, version)));
      CHECK(announce.asked);
      CHECK(announce.ip == kShared);
      CHECK(announce.mac == kVm1.mac);
    }
    const auto here = Batch().put<NeighbourRow>({{1}, kShared}, {kVm1.mac, false, true}).on(*sharing());
    CHECK_FALSE(walk(*here, kRed.vm_port, advertisement(vrrp({kShared}))).effects.announce.asked);
  }

  TEST_CASE("RFC 5798 section 7.3: the virtual MAC leads where the master is, whichever MAC it advertises with") {
    const auto elsewhere = Batch().put<NeighbourRow>({{1}, kShared}, {kVirtual, false, true}).on(*sharing());
    const auto announce = walk(*elsewhere, kRed.vm_port, advertisement(vrrp({kShared}))).effects.announce;
    CHECK(announce.asked);
    CHECK(announce.mac == kVirtual);
    const auto here = Batch().put<SwitchRow>({{1}, kVirtual}, {kRed.vm_port}).on(*elsewhere);
    CHECK_FALSE(walk(*here, kRed.vm_port, advertisement(vrrp({kShared}))).effects.announce.asked);
  }

  TEST_CASE("RFC 5798 section 5.1: an advertisement of IPv6 is told likewise") {
    const Bytes frame = ethernet({kVm1.mac, "33:33:00:00:00:12"_mac},
                                 ipv6({.src = kVm1.ip6, .dst = "ff02::12"_ip, .hop_limit = 255}, vrrp({kShared6})));
    CHECK(told(frame).ip == kShared6);
  }

  TEST_CASE("an advertisement that resigns, comes from afar, is cut, of another version, or of nothing that moves, is not told") {
    CHECK_FALSE(told(advertisement(vrrp({kShared}, 0))).asked);
    CHECK_FALSE(told(advertisement(vrrp({kShared}), kVm1.mac, 254)).asked);
    CHECK_FALSE(told(advertisement(vrrp({kShared}, 100, 4))).asked);
    CHECK_FALSE(told(advertisement(vrrp({kVm1.ip, kStranger.ip}))).asked);
    Layer cut = vrrp({kShared});
    cut.bytes.pop_back();
    CHECK_FALSE(told(advertisement(cut)).asked);
    CHECK_FALSE(told(vxlan(kRedVni, advertisement(vrrp({kShared}))), kVtep2).asked);
  }
}

}  // namespace dvr::test
