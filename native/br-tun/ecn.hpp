// Explicit congestion notification through the tunnel (RFC 6040, normal mode).
// Used by vxlan_decap and vxlan_encap; the ECN field is the low two bits of TOS / traffic class.
#pragma once

#include <cstdint>
#include <optional>

#include "packet/ipv4.hpp"
#include "packet/ipv6.hpp"

namespace dvr::br_tun {

enum Ecn : uint8_t { kNotEct = 0, kEct1 = 1, kEct0 = 2, kCe = 3 };

// The ECN field of the frame's IP header; nothing where there is no IP.
inline std::optional<uint8_t> inner_ecn(std::span<uint8_t> frame) {
  const auto ethernet = EthernetView::of(frame);
  if (!ethernet) return std::nullopt;
  if (ethernet->ether_type() == kEtherTypeIpv4) {
    if (const auto ip = Ipv4View::of(frame)) return ip->ecn();
  } else if (ethernet->ether_type() == kEtherTypeIpv6) {
    if (const auto ip = Ipv6View::of(frame)) return ip->ecn();
  }
  return std::nullopt;
}

inline void set_inner_ecn(std::span<uint8_t> frame, uint8_t ecn) {
  if (EthernetView::of(frame)->ether_type() == kEtherTypeIpv4)
    Ipv4View::of(frame)->set_ecn(ecn);
  else
    Ipv6View::of(frame)->set_ecn(ecn);
}

// RFC 6040 section 4.2, figure 4: the ECN field that goes on, from what arrived inside and outside.
// Nothing: the packet must be dropped.
constexpr std::optional<uint8_t> ecn_at_egress(uint8_t inner, uint8_t outer) {
  if (outer == kCe) return inner == kNotEct ? std::nullopt : std::optional<uint8_t>(kCe);
  if (outer == kEct1 && inner == kEct0) return kEct1;
  return inner;
}

}  // namespace dvr::br_tun
