// What a VRRP master says again and again: the addresses that it has (RFC 5798 section 5.1; version 2 RFC 3768
// section 5.1, whose head is alike up to here).
//
//   offset  bytes  field                               checked
//   0       1      version 2 or 3, type 1              both
//   1       1      number of the virtual router
//   2       1      priority; 0: resigns
//   3       1      count of addresses                  all are there
//   4       4      interval, checksum                  no: who is not meant to read it need not know a password
//   8       n      the addresses, of the packet's own family
#pragma once

#include <optional>

#include "base/bytes.hpp"
#include "packet/cursor.hpp"

namespace dvr {

inline constexpr uint8_t kProtocolVrrp = 112;

class VrrpView {
 public:
  // Nothing if it is of another version or type, or cut short. `at` is where the message begins.
  static std::optional<VrrpView> of(std::span<uint8_t> packet, size_t at, bool is_v6) {
    Cursor cursor(packet, at);
    const uint8_t* head = cursor.take(8);
    if (head == nullptr || (head[0] != 0x21 && head[0] != 0x31)) return std::nullopt;
    const VrrpView view(head, is_v6);
    if (cursor.take(view.address_count() * view.address_bytes()) == nullptr) return std::nullopt;
    return view;
  }

  bool resigns() const { return at_[2] == 0; }
  size_t address_count() const { return at_[3]; }
  // Only below address_count().
  IpAddr address(size_t index) const {
    const uint8_t* at = at_ + 8 + index * address_bytes();
    return is_v6_ ? IpAddr::v6(at) : IpAddr::v4(at);
  }
  // RFC 5798 section 7.3: the MAC that comes and goes with the addresses, where it is used.
  MacAddr virtual_mac() const { return {{0x00, 0x00, 0x5e, 0x00, static_cast<uint8_t>(is_v6_ ? 2 : 1), at_[1]}}; }

 private:
  VrrpView(const uint8_t* at, bool is_v6) : at_(at), is_v6_(is_v6) {}
  size_t address_bytes() const { return is_v6_ ? 16 : 4; }
  const uint8_t* at_;
  bool is_v6_;
};

}  // namespace dvr
