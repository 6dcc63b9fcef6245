// Addresses that no packet carries across a router of ours, as source or as destination: those without an
// owner on another network. RFC 1812 sections 4.2.2.11 and 5.3.7, RFC 3927 section 2.7, RFC 1112 section 4;
// RFC 4291 sections 2.5.2, 2.5.3, 2.5.6 and 2.7; an IPv4-mapped one is no address of the wire (RFC 6890).
#pragma once

#include "base/types.hpp"

namespace dvr {

// 0/8, 127/8, 169.254/16, and everything from 224/4 on: multicast, class E, broadcast.
inline bool is_martian_v4(const IpAddr& ip) {
  const uint8_t* bytes = ip.v4_bytes();
  const bool is_link_local = bytes[0] == 169 && bytes[1] == 254;
  return bytes[0] == 0 || bytes[0] == 127 || bytes[0] >= 224 || is_link_local;
}

// ::, ::1, ff00::/8, fe80::/10, ::ffff:0:0/96.
inline bool is_martian_v6(const IpAddr& ip) {
  constexpr IpAddr kLoopback{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
  return ip.is_any() || ip == kLoopback || ip.bytes[0] == 0xff || ip.is_link_local_v6() || ip.is_v4();
}

}  // namespace dvr
