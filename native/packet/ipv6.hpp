// IPv6 header (RFC 8200 section 3) and the walk over its extension headers (section 4).
//
//   offset  bytes  field                          checked
//   0       4      version, traffic class, flow   version 6
//   4       2      payload length                 not beyond the frame
//   6       1      next header
//   7       1      hop limit
//   8       16     source
//   24      16     destination
#pragma once

#include <optional>

#include "packet/ethernet.hpp"

namespace dvr {

inline constexpr size_t kIpv6Bytes = 40;
inline constexpr uint8_t kProtocolHopByHop = 0;  // the one extension header that routers read
inline constexpr uint8_t kProtocolIcmpv6 = 58;
// A chain longer than this is hidden: no honest packet has it (RFC 8200 section 4.1 lists six kinds).
inline constexpr int kMaxExtensionHeaders = 8;

// What the extension headers lead to.
struct UpperLayer {
  uint8_t protocol = 0;
  size_t offset = 0;            // of the upper-layer header, from the start of the frame
  bool is_fragment = false;
  bool is_later_fragment = false;  // no upper-layer header here
};

class Ipv6View {
 public:
  static Maybe<Ipv6View> of(std::span<uint8_t> frame, size_t offset = kEthernetBytes) {
    Cursor cursor(frame, offset);
    const size_t there = cursor.rest();
    uint8_t* at = cursor.take(kIpv6Bytes);
    if (at == nullptr || at[0] >> 4 != 6 || kIpv6Bytes + load_be16(at + 4) > there) return std::nullopt;
    return Ipv6View(at, frame.first(offset + kIpv6Bytes + load_be16(at + 4)), offset);
  }

  uint8_t ecn() const { return static_cast<uint8_t>(at_[1] >> 4 & 3); }
  uint8_t next_header() const { return at_[6]; }
  uint8_t hop_limit() const { return at_[7]; }
  size_t payload_bytes() const { return load_be16(at_ + 4); }
  // The frame up to the end of the payload: what follows is Ethernet padding and nobody's message.
  std::span<uint8_t> packet() const { return packet_; }
  IpAddr src() const { return IpAddr::v6(at_ + 8); }
  IpAddr dst() const { return IpAddr::v6(at_ + 24); }
  void decrement_hop_limit() { --at_[7]; }
  void set_ecn(uint8_t ecn) { at_[1] = static_cast<uint8_t>((at_[1] & ~0x30) | ecn << 4); }

  // Follows the extension headers to the upper layer; nothing if they are cut short or too many.
  std::optional<UpperLayer> upper_layer() const {
    UpperLayer upper{next_header(), offset_ + kIpv6Bytes};
    for (int count = 0; count < kMaxExtensionHeaders; ++count) {
      if (!is_extension(upper.protocol) || upper.is_later_fragment) return upper;
      const uint8_t* header = Cursor(packet_, upper.offset).take(8);
      if (header == nullptr) return std::nullopt;
      if (upper.protocol == kFragment) {
        upper.is_fragment = true;
        upper.is_later_fragment = (load_be16(header + 2) & 0xfff8) != 0;
      }
      // RFC 8200 sections 4.3 to 4.6: lengths count 8-byte units beyond the first. The
      // authentication header counts 4-byte units minus two (RFC 4302 section 2.2).
      const size_t bytes = upper.protocol == kFragment         ? 8
                           : upper.protocol == kAuthentication ? (size_t{header[1]} + 2) * 4
                                                               : (size_t{header[1]} + 1) * 8;
      upper.protocol = header[0];
      upper.offset += bytes;
      if (upper.offset > packet_.size()) return std::nullopt;
    }
    return std::nullopt;
  }

 private:
  static constexpr uint8_t kRouting = 43, kFragment = 44, kAuthentication = 51, kDestination = 60;
  static bool is_extension(uint8_t protocol) {
    return protocol == kProtocolHopByHop || protocol == kRouting || protocol == kFragment ||
           protocol == kAuthentication || protocol == kDestination;
  }
  friend class Maybe<Ipv6View>;
  Ipv6View() = default;
  Ipv6View(uint8_t* at, std::span<uint8_t> packet, size_t offset) : at_(at), packet_(packet), offset_(offset) {}
  uint8_t* at_ = nullptr;
  std::span<uint8_t> packet_;
  size_t offset_ = 0;
};

}  // namespace dvr
