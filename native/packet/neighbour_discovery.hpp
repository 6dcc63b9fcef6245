// Neighbour solicitation and advertisement (RFC 4861 sections 4.3, 4.4).
//
//   offset  bytes  field (from the ICMPv6 header)
//   0       1      type: 133 RS · 134 RA · 135 NS · 136 NA · 137 redirect
//   1       1      code, 0
//   2       2      checksum over the pseudo-header too (RFC 8200 section 8.1)
//   4       4      NA: flags R S O in the top three bits
//   8       16     target address (NS, NA)
//   24      8      option: 1 source / 2 target link-layer address, length 1 (8 bytes)
#pragma once

#include <optional>

#include "base/checksum.hpp"
#include "packet/ipv6.hpp"
#include "packet/packet.hpp"

namespace dvr {

inline constexpr uint8_t kRouterSolicitation = 133;
inline constexpr uint8_t kRouterAdvertisement = 134;
inline constexpr uint8_t kNeighbourSolicitation = 135;
inline constexpr uint8_t kNeighbourAdvertisement = 136;

class NdView {
 public:
  // The ICMPv6 header that Ipv6View::packet() leads to; nothing if it is no ICMPv6 or cut short.
  static std::optional<NdView> of(std::span<uint8_t> packet, const UpperLayer& upper) {
    if (upper.protocol != kProtocolIcmpv6 || upper.is_later_fragment) return std::nullopt;
    Cursor cursor(packet, upper.offset);
    const size_t there = cursor.rest();
    uint8_t* at = cursor.take(4);
    if (at == nullptr) return std::nullopt;
    return NdView(at, there);
  }

  uint8_t type() const { return at_[0]; }
  bool has_target() const { return bytes_ >= 24; }
  // Only with has_target(). An advertisement that answers nobody is news to everybody (RFC 4861 section 7.2.6).
  bool is_solicited() const { return (at_[4] & 0x40) != 0; }
  // Only with has_target().
  IpAddr target() const { return IpAddr::v6(at_ + 8); }

 private:
  NdView(uint8_t* at, size_t bytes) : at_(at), bytes_(bytes) {}
  uint8_t* at_;
  size_t bytes_;
};

inline constexpr IpAddr kAllNodes{{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

struct NdAddresses {
  MacAddr from_mac, to_mac;
  IpAddr from, to;
};

// Writes all that stands before the message, which fills the rest of the frame; answers where it begins.
inline uint8_t* begin_nd_message(std::span<uint8_t> frame, const NdAddresses& addresses) {
  uint8_t* const at = frame.data();
  std::memcpy(at, addresses.to_mac.bytes.data(), 6);
  std::memcpy(at + 6, addresses.from_mac.bytes.data(), 6);
  store_be16(at + 12, kEtherTypeIpv6);
  uint8_t* const ip = at + kEthernetBytes;
  store_be32(ip, 0x60000000);
  store_be16(ip + 4, static_cast<uint16_t>(frame.size() - kEthernetBytes - kIpv6Bytes));
  ip[6] = kProtocolIcmpv6;
  ip[7] = 255;  // RFC 4861 sections 6.1 and 7.1: anything else is ignored
  std::memcpy(ip + 8, addresses.from.bytes.data(), 16);
  std::memcpy(ip + 24, addresses.to.bytes.data(), 16);
  return ip + kIpv6Bytes;
}

// Writes the checksum of the message, when it is whole.
inline void finish_nd_message(std::span<uint8_t> frame) {
  const auto icmp = frame.subspan(kEthernetBytes + kIpv6Bytes);
  const auto addresses = frame.subspan(kEthernetBytes + 8, 32);
  store_be16(icmp.data() + 2, 0);
  const uint64_t pseudo = checksum_add16(
      checksum_add16(checksum_add(0, addresses), static_cast<uint16_t>(icmp.size())), kProtocolIcmpv6);
  store_be16(icmp.data() + 2, checksum_finish(checksum_add(pseudo, icmp)));
}

inline constexpr size_t kAdvertisementBytes = kEthernetBytes + kIpv6Bytes + 32;

// Rewrites the solicitation in `packet` into the advertisement of `mac` for the target. A solicitation
// without option is 8 bytes shorter than its answer: the frame then grows into its headroom.
// `from` is the solicitation's source address; any (duplicate address detection) is answered to all
// nodes, unsolicited (RFC 4861 section 7.2.4).
inline void become_advertisement(Packet& packet, const MacAddr& asker, const IpAddr& from, const IpAddr& target,
                                 const MacAddr& mac, bool router) {
  if (packet.frame.size() < kAdvertisementBytes) {
    const size_t more = kAdvertisementBytes - packet.frame.size();
    packet.frame = {packet.frame.data() - more, kAdvertisementBytes};
  }
  packet.frame = packet.frame.first(kAdvertisementBytes);
  packet.offload = {};
  const bool solicited = !from.is_any();
  uint8_t* icmp = begin_nd_message(packet.frame, {mac, asker, target, solicited ? from : kAllNodes});
  icmp[0] = kNeighbourAdvertisement;
  icmp[1] = 0;
  store_be32(icmp + 4, (router ? 0x80000000u : 0u) | (solicited ? 0x40000000u : 0u) | 0x20000000u);
  std::memcpy(icmp + 8, target.bytes.data(), 16);
  icmp[24] = 2;
  icmp[25] = 1;
  std::memcpy(icmp + 26, mac.bytes.data(), 6);
  finish_nd_message(packet.frame);
}

}  // namespace dvr
