// Prefixes of addresses as tables have them: an address whose host bits are zero, and its length of 128.
#pragma once

#include "base/bytes.hpp"
#include "base/types.hpp"

namespace dvr {

inline constexpr uint16_t kMappedPrefixBits = 96;  // ::ffff:0:0/96, where IpAddr keeps IPv4
inline constexpr uint16_t kAddressBits = 128;

// The address with all but its first `bits` (0 to 128) bits zero.
inline IpAddr masked(IpAddr ip, uint16_t bits) {
  const auto keep = [&](size_t at, uint16_t first) {
    if (bits >= first + 32u) return;
    const uint32_t mask = bits <= first ? 0 : ~uint32_t{0} << (first + 32u - bits);
    store_be32(ip.bytes.data() + at, load_be32(ip.bytes.data() + at) & mask);
  };
  for (uint16_t word = 0; word < 4; ++word) keep(word * size_t{4}, static_cast<uint16_t>(word * 32));
  return ip;
}

}  // namespace dvr
