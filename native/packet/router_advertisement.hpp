// Router advertisement (RFC 4861 section 4.2): what a router says of itself and its prefixes to one who
// asked, or to all. Written front to back into a frame that is long enough; nothing is read here.
//
//   offset  bytes  field (from the ICMPv6 header)
//   0       4      type 134, code 0, checksum
//   4       1      current hop limit, 64
//   5       1      flags: M (0x80) addresses by DHCPv6
//   6       2      router lifetime, seconds
//   8       8      reachable time, retransmission timer: 0, the host's own
//   16      8      option 1, source link-layer address
//   24      8      option 5, MTU
//   32      32     option 3, prefix information, once for each prefix (section 4.6.2)
#pragma once

#include "packet/ipv6.hpp"
#include "packet/neighbour_discovery.hpp"

namespace dvr {

// An advertisement is said again every few minutes (src/agents/l3/ra-program.ts): eight may be lost.
inline constexpr uint16_t kRouterLifetimeS = 1800;
inline constexpr uint32_t kPrefixValidS = 86400, kPrefixPreferredS = 14400;

inline constexpr size_t kPrefixInformationBytes = 32;
// With all of them the packet is far below the least MTU of IPv6.
inline constexpr uint16_t kMostAdvertisedPrefixes = 16;

constexpr size_t router_advertisement_bytes(size_t prefix_count) {
  return kEthernetBytes + kIpv6Bytes + 32 + prefix_count * kPrefixInformationBytes;
}

// The link-local address of a MAC (modified EUI-64, RFC 4291 appendix A).
inline IpAddr link_local_of(const MacAddr& mac) {
  const auto& m = mac.bytes;
  const auto first = static_cast<uint8_t>(m[0] ^ 2);
  return {{0xfe, 0x80, 0, 0, 0, 0, 0, 0, first, m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5]}};
}

inline constexpr MacAddr kAllNodesMacAddr{{0x33, 0x33, 0, 0, 0, 1}};

struct Advertiser {
  MacAddr mac;
  uint16_t mtu_bytes = 0;
  bool managed = false;
};

// Writes the advertisement but for its prefixes and its checksum (finish_nd_message).
inline void begin_router_advertisement(std::span<uint8_t> frame, const Advertiser& router,
                                       const MacAddr& to_mac, const IpAddr& to) {
  std::memset(frame.data(), 0, frame.size());
  uint8_t* icmp = begin_nd_message(frame, {router.mac, to_mac, link_local_of(router.mac), to});
  icmp[0] = kRouterAdvertisement;
  icmp[4] = 64;
  icmp[5] = router.managed ? 0x80 : 0;
  store_be16(icmp + 6, kRouterLifetimeS);
  icmp[16] = 1, icmp[17] = 1;
  std::memcpy(icmp + 18, router.mac.bytes.data(), 6);
  icmp[24] = 5, icmp[25] = 1;
  store_be32(icmp + 28, router.mtu_bytes);
}

// Writes the prefix in its place, `index` from 0: on-link, and with the A flag where `autonomous`.
inline void put_prefix(std::span<uint8_t> frame, size_t index, const IpAddr& prefix, uint16_t bits,
                       bool autonomous) {
  uint8_t* option = frame.data() + router_advertisement_bytes(index);
  option[0] = 3, option[1] = 4;
  option[2] = static_cast<uint8_t>(bits);
  option[3] = static_cast<uint8_t>(0x80 | (autonomous ? 0x40 : 0));
  store_be32(option + 4, kPrefixValidS);
  store_be32(option + 8, kPrefixPreferredS);
  std::memcpy(option + 16, prefix.bytes.data(), 16);
}

}  // namespace dvr
