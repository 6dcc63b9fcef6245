// Ethernet II header (IEEE 802.3), with the 802.1Q tag recognised (IEEE 802.1Q section 9).
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +---------------------------------------------------------------+
//   |                destination MAC, 6 bytes                       |
//   +-------------------------------+-------------------------------+
//   |                               |    source MAC, 6 bytes        |
//   +-------------------------------+-------------------------------+
//   |                                                               |
//   +-------------------------------+-------------------------------+
//   |  EtherType (or TPID)          |  payload, or 802.1Q tag       |
//   +-------------------------------+-------------------------------+
#pragma once

#include "base/bytes.hpp"
#include "base/types.hpp"
#include "packet/cursor.hpp"
#include "packet/maybe.hpp"

namespace dvr {

inline constexpr uint16_t kEtherTypeIpv4 = 0x0800;
inline constexpr uint16_t kEtherTypeArp = 0x0806;
inline constexpr uint16_t kEtherTypeVlan = 0x8100;
inline constexpr uint16_t kEtherTypeQinQ = 0x88a8;
inline constexpr uint16_t kEtherTypeIpv6 = 0x86dd;

inline constexpr size_t kEthernetBytes = 14;
// Both MACs: a tag stands behind them.
inline constexpr size_t kMacsBytes = 12;

class EthernetView {
 public:
  // Nothing if the frame is shorter than the header.
  static Maybe<EthernetView> of(std::span<uint8_t> frame) {
    uint8_t* at = Cursor(frame).take(kEthernetBytes);
    if (at == nullptr) return std::nullopt;
    return EthernetView(at);
  }

  MacAddr dst() const { return MacAddr::of(at_); }
  MacAddr src() const { return MacAddr::of(at_ + 6); }
  uint16_t ether_type() const { return load_be16(at_ + 12); }
  bool is_tagged() const { return ether_type() == kEtherTypeVlan || ether_type() == kEtherTypeQinQ; }

  void set_dst(const MacAddr& mac) { std::memcpy(at_, mac.bytes.data(), 6); }
  void set_src(const MacAddr& mac) { std::memcpy(at_ + 6, mac.bytes.data(), 6); }
  void set_ether_type(uint16_t type) { store_be16(at_ + 12, type); }

 private:
  friend class Maybe<EthernetView>;
  EthernetView() = default;
  explicit EthernetView(uint8_t* at) : at_(at) {}
  uint8_t* at_ = nullptr;
};

}  // namespace dvr
