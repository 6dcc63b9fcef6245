// The header views: what they read, and that nothing is there where a length is not true.
#include <doctest/doctest.h>

#include "builders.hpp"
#include "nodes.hpp"
#include "packet/arp.hpp"
#include "packet/ipv4.hpp"
#include "packet/neighbour_discovery.hpp"
#include "packet/vxlan.hpp"
#include "random_world.hpp"

namespace dvr::test {
namespace {

// Every view of `frame` cut at every length gives nothing or something, never a byte from behind it.
template <class View>
size_t lengths_accepted(const Bytes& frame) {
  size_t accepted = 0;
  for (size_t bytes = 0; bytes <= frame.size(); ++bytes) {
    Buffer buffer(first(frame, bytes));
    if (View::of(buffer.frame())) ++accepted;
  }
  return accepted;
}

std::optional<UpperLayer> upper_layer_of(const Layer& extended) {
  Buffer buffer(
      ethernet({.src = kVm1.mac, .dst = kVm3.mac}, ipv6({.src = kVm1.ip6, .dst = kVm3.ip6}, extended)));
  return Ipv6View::of(buffer.frame())->upper_layer();
}

}  // namespace

TEST_CASE("a cursor gives bytes only where all of them are there, and stays where they are not") {
  uint8_t bytes[4] = {1, 2, 3, 4};
  Cursor cursor(bytes);
  CHECK(cursor.take(3) == bytes);
  CHECK(cursor.take(2) == nullptr);
  CHECK(cursor.at() == 3);
  CHECK(cursor.take(1) == bytes + 3);
  CHECK(cursor.rest() == 0);
  CHECK(Cursor(bytes, 9).rest() == 0);
  CHECK(Cursor(bytes, 9).take(1) == nullptr);
}

TEST_CASE("an Ethernet view reads and writes both MACs and sees a tag of either kind") {
  Buffer buffer(
      ethernet({.src = kVm1.mac, .dst = kVm3.mac}, vlan_tag(5, ipv4({.src = kVm1.ip, .dst = kVm3.ip}))));
  auto view = *EthernetView::of(buffer.frame());
  CHECK(view.src() == kVm1.mac);
  CHECK(view.dst() == kVm3.mac);
  CHECK(view.is_tagged());
  view.set_ether_type(kEtherTypeQinQ);
  CHECK(view.is_tagged());
  view.set_ether_type(kEtherTypeIpv4);
  CHECK_FALSE(view.is_tagged());
  view.set_src(kVm2.mac);
  view.set_dst(kVm4.mac);
  CHECK(view.src() == kVm2.mac);
  CHECK(view.dst() == kVm4.mac);
}

TEST_CASE("every header that is cut short is not there") {
  const Bytes v4 = ethernet({}, ipv4({.src = kVm1.ip, .dst = kVm3.ip, .option_words = 2}, udp()));
  const Bytes v6 = ethernet({}, ipv6({.src = kVm1.ip6, .dst = kVm3.ip6}, udp()));
  CHECK(lengths_accepted<EthernetView>(v4) == v4.size() - kEthernetBytes + 1);
  CHECK(lengths_accepted<Ipv4View>(v4) == 1);  // only whole: its total length speaks of all of it
  CHECK(lengths_accepted<Ipv6View>(v6) == 1);
  CHECK(lengths_accepted<ArpView>(ethernet({}, arp({}))) == 1);
}

TEST_CASE("an IPv4 header whose lengths contradict each other is not there") {
  const Bytes good = ethernet({}, ipv4({.src = kVm1.ip, .dst = kVm3.ip}));
  const auto accepted = [&](size_t at, uint8_t value) {
    Bytes frame = good;
    frame[at] = value;
    Buffer buffer(frame);
    return static_cast<bool>(Ipv4View::of(buffer.frame()));
  };
  CHECK(accepted(14, 0x45));
  CHECK_FALSE(accepted(14, 0x65));  // version 6
  CHECK_FALSE(accepted(14, 0x44));  // four header words: less than the header itself
  CHECK_FALSE(accepted(17, 19));    // total length below the header
  CHECK_FALSE(accepted(16, 0xff));  // total length beyond the frame
}

TEST_CASE("Ethernet padding behind an IP packet is not part of it") {
  Bytes frame = ethernet({}, ipv6({.src = kVm1.ip6, .dst = kVm3.ip6}, icmpv6(kNeighbourSolicitation, {})));
  frame.resize(frame.size() + 40);
  Buffer buffer(frame);
  const auto ip = Ipv6View::of(buffer.frame());
  REQUIRE(ip);
  CHECK(ip->packet().size() == frame.size() - 40);
  CHECK_FALSE(NdView::of(ip->packet(), *ip->upper_layer())->has_target());
}

TEST_CASE("the fields of IPv4 are read at their places") {
  Buffer buffer(ethernet({}, ipv4({.src = kVm1.ip,
                                   .dst = kVm3.ip,
                                   .ttl = 7,
                                   .tos = 0xb9,
                                   .fragment_offset = 3,
                                   .more_fragments = true,
                                   .option_words = 1},
                                  tcp())));
  const auto ip = *Ipv4View::of(buffer.frame());
  CHECK(ip.header_bytes() == 24);
  CHECK(ip.total_bytes() == buffer.frame().size() - kEthernetBytes);
  CHECK(ip.src() == kVm1.ip);
  CHECK(ip.dst() == kVm3.ip);
  CHECK(ip.ttl() == 7);
  CHECK(ip.ecn() == 1);
  CHECK(ip.protocol() == kProtocolTcp);
  CHECK(ip.is_fragment());
  CHECK(ip.is_later_fragment());
}

TEST_CASE("the first fragment is a fragment but not a later one") {
  Buffer buffer(ethernet({}, ipv4({.src = kVm1.ip, .dst = kVm3.ip, .more_fragments = true})));
  CHECK(Ipv4View::of(buffer.frame())->is_fragment());
  CHECK_FALSE(Ipv4View::of(buffer.frame())->is_later_fragment());
}

TEST_CASE("RFC 8200 section 4: the walk over extension headers ends at the upper layer") {
  const auto upper = upper_layer_of(
      hop_by_hop(routing_header(destination_options(authentication_header(echo_request())))));
  REQUIRE(upper);
  CHECK(upper->protocol == kProtocolIcmpv6);
  CHECK(upper->offset == kEthernetBytes + kIpv6Bytes + 8 + 24 + 8 + 24);
  CHECK_FALSE(upper->is_fragment);
}

TEST_CASE("RFC 8200 section 4.5: a later fragment has no upper-layer header") {
  const auto head = upper_layer_of(fragment({.offset = 0, .more = true}, destination_options(udp())));
  CHECK(head->protocol == kProtocolUdp);
  CHECK(head->is_fragment);
  CHECK_FALSE(head->is_later_fragment);
  const auto later = upper_layer_of(fragment({.offset = 1}, destination_options(payload(64))));
  CHECK(later->is_later_fragment);
  CHECK(later->protocol == 60);
}

TEST_CASE("an extension header that is cut short, or one too many, hides the upper layer") {
  Layer many = echo_request();
  for (int count = 0; count < kMaxExtensionHeaders - 1; ++count) many = destination_options(many);
  CHECK(upper_layer_of(many));
  CHECK_FALSE(upper_layer_of(destination_options(many)));
  CHECK_FALSE(upper_layer_of({60, {58, 0, 1, 4}}));
  CHECK_FALSE(upper_layer_of({60, {58, 200, 1, 4, 0, 0, 0, 0}}));  // its length leads out of the packet
}

TEST_CASE("RFC 1071: the fast checksum is the slow one, for every length and content") {
  Random random(1071);
  for (int round = 0; round < 2000; ++round) {
    // Up to a few blocks of vectors and what is left over, at any alignment; now and then a super-frame.
    Bytes buffer(random.below(32) + random.below(random.one_in(100) ? 70000 : 400));
    for (uint8_t& byte : buffer) byte = random.one_in(3) ? 0xff : random.byte();
    const auto bytes = std::span(buffer).subspan(std::min<size_t>(random.below(32), buffer.size()));
    const uint16_t slow = slow_sum(bytes);
    // 0 and 0xffff are the same number in one's complement.
    CHECK(checksum_fold(checksum_add(0, bytes)) % 0xffff == slow % 0xffff);
    CHECK(checksum_fold(checksum_add_baseline(0, bytes)) % 0xffff == slow % 0xffff);
  }
  // The greatest sum that a packet can have.
  const Bytes ones(kMaxFrameBytes, 0xff);
  CHECK(checksum_fold(checksum_add(0, ones)) == 0xffff);
  CHECK(checksum_fold(checksum_add_baseline(0, ones)) == 0xffff);
}

TEST_CASE("RFC 1624 section 3: a checksum mended for one word is the one computed anew") {
  Random random(1624);
  for (int round = 0; round < 4000; ++round) {
    Bytes words(20);
    for (uint8_t& byte : words) byte = random.one_in(3) ? (random.one_in(2) ? 0xff : 0) : random.byte();
    const uint16_t before = checksum_finish(checksum_add(0, words));
    const uint16_t old_word = load_be16(words.data() + 4);
    const auto new_word = static_cast<uint16_t>(random.one_in(4) ? old_word : random.below(0x10000));
    store_be16(words.data() + 4, new_word);
    const uint16_t mended = checksum_replace(before, old_word, new_word);
    CHECK((slow_sum(words) + mended) % 0xffff == 0);
  }
}

TEST_CASE("RFC 1624 section 3: what mended one header's checksum mends another's, to the bit") {
  Random random(1624);
  for (int count = 0; count < 100'000; ++count) {
    const auto number = [&] { return static_cast<uint16_t>(random.one_in(8) ? random.below(2) * 0xffff : random.below(0x10000)); };
    // A word of a header that is not all zero: its version is in one of them.
    const uint16_t one = number(), other = number(), old_word = number(), new_word = number() | 1;
    const uint16_t change = checksum_change(one, checksum_replace(one, old_word, new_word));
    if (change == 0) CHECK(checksum_replace(one, old_word, new_word) == one);
    if (change != 0) CHECK(checksum_changed(other, change) == checksum_replace(other, old_word, new_word));
  }
  CHECK(checksum_changed(0xffff, checksum_change(0x1234, 0x1234)) == 0xffff);
}

TEST_CASE("setting the ECN bits of IPv4 keeps DSCP and makes the header checksum right again") {
  for (unsigned tos = 0; tos < 256; ++tos)
    for (uint8_t ecn = 0; ecn < 4; ++ecn) {
      Buffer buffer(ethernet({}, ipv4({.src = kVm1.ip, .dst = kVm3.ip, .tos = static_cast<uint8_t>(tos)})));
      Ipv4View::of(buffer.frame())->set_ecn(ecn);
      CHECK(buffer.frame()[15] == ((tos & 0xfc) | ecn));
      CHECK(slow_sum(buffer.frame().subspan(14, 20)) == 0xffff);
    }
}

TEST_CASE("setting the ECN bits of IPv6 keeps the rest of the traffic class and the flow label") {
  Buffer buffer(ethernet({}, ipv6({.src = kVm1.ip6, .dst = kVm3.ip6, .traffic_class = 0xb9})));
  buffer.frame()[15] |= 0x0f;
  auto ip = *Ipv6View::of(buffer.frame());
  CHECK(ip.ecn() == 1);
  ip.set_ecn(3);
  CHECK(ip.ecn() == 3);
  CHECK(buffer.frame()[14] == 0x6b);
  CHECK(buffer.frame()[15] == 0xbf);
}

TEST_CASE("RFC 826: a request becomes the reply that its asker can use") {
  Buffer buffer(ethernet({.src = kVm1.mac, .dst = kBroadcast},
                         arp({.sender_mac = kVm1.mac, .sender_ip = kVm1.ip, .target_ip = kVm3.ip})));
  ArpView::of(buffer.frame())->become_reply(kVm3.mac);
  const Layer reply = arp({.operation = 2, .sender_mac = kVm3.mac, .sender_ip = kVm3.ip,
                           .target_mac = kVm1.mac, .target_ip = kVm1.ip});
  CHECK(std::ranges::equal(buffer.frame().subspan(kEthernetBytes), reply.bytes));
}

TEST_CASE("ARP for another protocol or another kind of hardware is not ours to read") {
  for (const size_t at : {1u, 3u, 4u, 5u}) {
    Bytes frame = ethernet({}, arp({}));
    frame[kEthernetBytes + at] ^= 1;
    Buffer buffer(frame);
    CHECK_FALSE(ArpView::of(buffer.frame()));
  }
}

TEST_CASE("RFC 7348 section 5: only the I flag alone makes a VXLAN header, and the VNI has 24 bits") {
  for (unsigned flags = 0; flags < 256; ++flags) {
    Bytes datagram = vxlan(0xabcdef, {}, static_cast<uint8_t>(flags));
    const auto vni = read_vxlan(datagram);
    CHECK(vni.has_value() == (flags == 0x08));
    if (vni) CHECK(vni->value == 0xabcdef);
  }
  Bytes short_one(7);
  CHECK_FALSE(read_vxlan(short_one));
}

TEST_CASE("RFC 7348 section 5: reserved bytes are zero when sent and ignored when received") {
  uint8_t header[8];
  std::memset(header, 0xee, sizeof header);
  write_vxlan(header, {0x123456});
  CHECK(std::ranges::equal(header, vxlan(0x123456, {})));
  header[1] = header[2] = header[3] = header[7] = 0xff;
  CHECK(read_vxlan(header)->value == 0x123456);
}

TEST_CASE("IPv4 addresses are kept mapped, link-local IPv6 is recognised") {
  CHECK("::ffff:10.1.0.11"_ip == kVm1.ip);
  CHECK(kVm1.ip.is_v4());
  CHECK_FALSE(kVm1.ip6.is_v4());
  CHECK(IpAddr{}.is_any());
  CHECK_FALSE("0.0.0.0"_ip.is_any());
  CHECK("febf::1"_ip.is_link_local_v6());
  CHECK_FALSE("fec0::1"_ip.is_link_local_v6());
}

}  // namespace dvr::test
