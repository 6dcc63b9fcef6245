// The value types every other file speaks in. Byte order is part of a type: everything here that
// crosses a wire is kept as the wire's bytes, so nothing is ever swapped by accident.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace dvr {

// A 48-bit MAC address in wire order (IEEE 802-2014 section 8.2).
struct MacAddr {
  std::array<uint8_t, 6> bytes{};

  friend constexpr auto operator<=>(const MacAddr&, const MacAddr&) = default;
  static MacAddr of(const uint8_t* wire) {
    MacAddr mac;
    std::memcpy(mac.bytes.data(), wire, 6);
    return mac;
  }
  // Multicast and broadcast: the group bit, bit 0 of the first byte.
  constexpr bool is_group() const { return (bytes[0] & 1) != 0; }
  constexpr bool is_zero() const { return *this == MacAddr{}; }
};

// An IPv4 or IPv6 address in 16 bytes of wire order; IPv4 is mapped, ::ffff:a.b.c.d (RFC 4291
// section 2.5.5.2), so that one table serves both families. All zero means "any".
struct IpAddr {
  std::array<uint8_t, 16> bytes{};

  friend constexpr auto operator<=>(const IpAddr&, const IpAddr&) = default;
  static constexpr IpAddr v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d) {
    return {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d}};
  }
  static IpAddr v4(const uint8_t* wire) { return v4(wire[0], wire[1], wire[2], wire[3]); }
  static IpAddr v6(const uint8_t* wire) {
    IpAddr ip;
    std::memcpy(ip.bytes.data(), wire, 16);
    return ip;
  }
  constexpr bool is_any() const { return *this == IpAddr{}; }
  constexpr bool is_v4() const {
    for (size_t i = 0; i < 10; ++i)
      if (bytes[i] != 0) return false;
    return bytes[10] == 0xff && bytes[11] == 0xff;
  }
  const uint8_t* v4_bytes() const { return bytes.data() + 12; }
  // fe80::/10, RFC 4291 section 2.5.6.
  constexpr bool is_link_local_v6() const { return bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80; }
};

// A 24-bit VXLAN network identifier (RFC 7348 section 4). Zero is never a network of ours.
struct Vni {
  uint32_t value = 0;
  friend constexpr auto operator<=>(const Vni&, const Vni&) = default;
};

// This node's own number for a network, 1..4094; 0 means "none set". Metadata, never on a wire,
// except as the 802.1Q tag of the frames copied to the br-int device.
struct LocalVlan {
  uint16_t value = 0;
  friend constexpr auto operator<=>(const LocalVlan&, const LocalVlan&) = default;
};

// A port of this node: a TAP, or one of the fixed ports below.
struct PortId {
  uint16_t value = 0;
  friend constexpr auto operator<=>(const PortId&, const PortId&) = default;
};

inline constexpr PortId kNoPort{0};
inline constexpr PortId kTunnelPort{1};        // the VTEP socket
inline constexpr PortId kMirrorBrInt{2};       // the TAP named br-int
inline constexpr PortId kMirrorBrTun{3};       // the TAP named br-tun
inline constexpr PortId kMirrorBrEx{4};        // the TAP named br-ex
inline constexpr uint16_t kFirstFreePort = 16; // agents number their ports from here
inline constexpr uint16_t kPortLimit = 4096;   // and below this; a larger id is refused by the seam

// A router's number on this node, kept by the agent; 0 means "none": its namespace routes.
struct RouterId {
  uint16_t value = 0;
  friend constexpr auto operator<=>(const RouterId&, const RouterId&) = default;
};

inline constexpr uint16_t kRouterLimit = 4096; // router numbers are below this; the seam refuses others

// The home of every stage: a bridge of the seed, the one to the provider's wire, or the router that br-int hands
// frames to and gets them back from.
enum class Bridge : uint8_t { br_int = 0, br_tun = 1, router = 2, br_ex = 3, none = 4 };

}  // namespace dvr
