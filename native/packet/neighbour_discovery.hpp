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
  // Only with has_target().
  IpAddr target() const { return IpAddr::v6(at_ + 8); }

 private:
  NdView(uint8_t* at, size_t bytes) : at_(at), bytes_(bytes) {}
  uint8_t* at_;
  size_t bytes_;
};

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
  uint8_t* at = packet.frame.data();
  const bool solicited = !from.is_any();
  constexpr std::array<uint8_t, 16> all_nodes{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

  std::memcpy(at, asker.bytes.data(), 6);
  std::memcpy(at + 6, mac.bytes.data(), 6);
  store_be16(at + 12, kEtherTypeIpv6);
  uint8_t* ip = at + kEthernetBytes;
  store_be32(ip, 0x60000000);
  store_be16(ip + 4, 32);
  ip[6] = kProtocolIcmpv6;
  ip[7] = 255;  // RFC 4861 section 7.1.2: anything else is ignored
  std::memcpy(ip + 8, target.bytes.data(), 16);
  std::memcpy(ip + 24, solicited ? from.bytes.data() : all_nodes.data(), 16);
  uint8_t* icmp = ip + kIpv6Bytes;
  icmp[0] = kNeighbourAdvertisement;
  icmp[1] = 0;
  store_be16(icmp + 2, 0);
  store_be32(icmp + 4, (router ? 0x80000000u : 0u) | (solicited ? 0x40000000u : 0u) | 0x20000000u);
  std::memcpy(icmp + 8, target.bytes.data(), 16);
  icmp[24] = 2;
  icmp[25] = 1;
  std::memcpy(icmp + 26, mac.bytes.data(), 6);
  const uint64_t pseudo = checksum_add16(checksum_add16(checksum_add(0, {ip + 8, 32}), 32), kProtocolIcmpv6);
  store_be16(icmp + 2, checksum_finish(checksum_add(pseudo, {icmp, 32})));
}

}  // namespace dvr
