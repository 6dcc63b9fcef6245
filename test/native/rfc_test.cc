// What RFC 6040 says of ECN through a tunnel, word by word, through the real stages.
#include "br-tun/ecn.hpp"

#include <doctest/doctest.h>

#include "walk.hpp"

namespace dvr::test {
namespace {

constexpr uint8_t kNotEct = br_tun::kNotEct, kEct0 = br_tun::kEct0, kEct1 = br_tun::kEct1, kCe = br_tun::kCe;
constexpr uint8_t kDropped = 0xff;

constexpr uint8_t kInner[4] = {kNotEct, kEct0, kEct1, kCe};
constexpr uint8_t kOuter[4] = {kNotEct, kEct0, kEct1, kCe};
// RFC 6040 figure 4, rows by arriving inner header, columns by arriving outer header, in its order.
constexpr uint8_t kFigure4[4][4] = {
    {kNotEct, kNotEct, kNotEct, kDropped},
    {kEct0, kEct0, kEct1, kCe},
    {kEct1, kEct1, kEct1, kCe},
    {kCe, kCe, kCe, kCe},
};
constexpr uint8_t kDscp = 46 << 2;  // expedited forwarding, to see that it stays where it is

Bytes frame_with(uint8_t inner_ecn, bool is_v6) {
  const auto tos = static_cast<uint8_t>(kDscp | inner_ecn);
  return ethernet({.src = kVm3.mac, .dst = kVm1.mac},
                  is_v6 ? ipv6({.src = kVm3.ip6, .dst = kVm1.ip6, .traffic_class = tos})
                        : ipv4({.src = kVm3.ip, .dst = kVm1.ip, .tos = tos}));
}

}  // namespace

TEST_CASE("RFC 6040 section 4.2: what comes out of the tunnel has figure 4's ECN field, in all 16 cases") {
  for (const bool is_v6 : {false, true})
    for (int inner = 0; inner < 4; ++inner)
      for (int outer = 0; outer < 4; ++outer) {
        CAPTURE(is_v6);
        CAPTURE(inner);
        CAPTURE(outer);
        const Arrival arrival(kVtep2, static_cast<uint8_t>(0x28 | kOuter[outer]));
        const Walk walked = walk(*cn1(), arrival, vxlan(kRedVni, frame_with(kInner[inner], is_v6)));
        const uint8_t expected = kFigure4[inner][outer];
        if (expected == kDropped) {
          CHECK(walked.text == "vxlan_decap > drop ecn_congestion");
        } else {
          CHECK(walked.verdict == StageId::output);
          CHECK(walked.frame == frame_with(expected, is_v6));  // DSCP kept, IPv4 header checksum right
        }
      }
}

TEST_CASE("RFC 6040 section 4.1: in normal mode the outer header gets the inner ECN field, and no DSCP") {
  for (const bool is_v6 : {false, true})
    for (const uint8_t ecn : kInner) {
      const auto tos = static_cast<uint8_t>(kDscp | ecn);
      const Bytes frame = ethernet({.src = kGreenGateway.mac, .dst = kVm2.mac},
                                   is_v6 ? ipv6({.src = kVm1.ip6, .dst = kVm2.ip6, .traffic_class = tos})
                                         : ipv4({.src = kVm1.ip, .dst = kVm2.ip, .tos = tos}));
      const Walk sent = walk(*cn1(), kCn1.green.router_port, frame);
      CHECK(sent.packet.encapsulated);
      CHECK(sent.packet.outer.tos == ecn);
    }
}

TEST_CASE("RFC 6040 section 4.1: a frame without IP travels as not ECN-capable") {
  const Walk sent =
      walk(*cn1(), kCn1.green.router_port, ethernet({kGreenGateway.mac, kVm2.mac}, {0x88cc, Bytes(9)}));
  CHECK(sent.packet.encapsulated);
  CHECK(sent.packet.outer.tos == kNotEct);
}

}  // namespace dvr::test
