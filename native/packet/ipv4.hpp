// IPv4 header (RFC 791 section 3.1).
//
//   offset  bytes  field                     checked
//   0       1      version, header words     4, at least 5, all there
//   1       1      DSCP and ECN (RFC 3168)
//   2       2      total length              not below the header, not beyond the frame
//   6       2      flags, fragment offset
//   8       1      TTL
//   9       1      protocol
//   10      2      header checksum           kept right when a field is edited (RFC 1624)
//   12      4      source
//   16      4      destination
#pragma once

#include "base/checksum.hpp"
#include "packet/ethernet.hpp"

namespace dvr {

inline constexpr size_t kIpv4Bytes = 20;  // without options
inline constexpr uint8_t kProtocolIcmp = 1;
inline constexpr uint8_t kProtocolTcp = 6;
inline constexpr uint8_t kProtocolUdp = 17;

class Ipv4View {
 public:
  // The header at `offset` of the frame; nothing if a length in it is not true of the frame.
  static Maybe<Ipv4View> of(std::span<uint8_t> frame, size_t offset = kEthernetBytes) {
    Cursor cursor(frame, offset);
    const size_t there = cursor.rest();
    uint8_t* at = cursor.take(20);
    if (at == nullptr || at[0] >> 4 != 4) return std::nullopt;
    const Ipv4View view(at);
    if (view.header_bytes() < 20 || view.total_bytes() < view.header_bytes() || view.total_bytes() > there)
      return std::nullopt;
    return view;
  }

  size_t header_bytes() const { return static_cast<size_t>(at_[0] & 0x0f) * 4; }
  size_t total_bytes() const { return load_be16(at_ + 2); }
  uint8_t ecn() const { return at_[1] & 3; }
  uint8_t ttl() const { return at_[8]; }
  uint8_t protocol() const { return at_[9]; }
  uint16_t checksum() const { return load_be16(at_ + 10); }
  void set_checksum(uint16_t checksum) { store_be16(at_ + 10, checksum); }
  // RFC 1071: over a header that holds its own checksum the sum is all ones. Words of 32 bits add up to the same.
  bool checksum_is_right() const {
    uint64_t sum = 0;
    for (size_t at = 0; at < header_bytes(); at += 4) sum += load_be32(at_ + at);
    return checksum_fold(sum) == 0xffff;
  }
  IpAddr src() const { return IpAddr::v4(at_ + 12); }
  IpAddr dst() const { return IpAddr::v4(at_ + 16); }
  // More fragments follow, or this is not the first one.
  bool is_fragment() const { return (load_be16(at_ + 6) & 0x3fff) != 0; }
  bool is_later_fragment() const { return (load_be16(at_ + 6) & 0x1fff) != 0; }

  void set_ecn(uint8_t ecn) {
    const uint16_t before = load_be16(at_);
    at_[1] = static_cast<uint8_t>((at_[1] & ~3) | ecn);
    replace_in_checksum(before, load_be16(at_));
  }
  void decrement_ttl() {
    const uint16_t before = load_be16(at_ + 8);
    --at_[8];
    replace_in_checksum(before, load_be16(at_ + 8));
  }

 private:
  friend class Maybe<Ipv4View>;
  Ipv4View() = default;
  explicit Ipv4View(uint8_t* at) : at_(at) {}
  void replace_in_checksum(uint16_t before, uint16_t after) {
    set_checksum(checksum_replace(checksum(), before, after));
  }
  uint8_t* at_ = nullptr;
};

}  // namespace dvr
