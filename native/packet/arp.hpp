// ARP for IPv4 over Ethernet (RFC 826).
//
//   offset  bytes  field                      checked
//   0       2      hardware type              1
//   2       2      protocol type              0x0800
//   4       1      hardware address bytes     6
//   5       1      protocol address bytes     4
//   6       2      operation                  1 request, 2 reply
//   8       6      sender hardware address
//   14      4      sender protocol address
//   18      6      target hardware address
//   24      4      target protocol address
#pragma once

#include <optional>

#include "packet/ethernet.hpp"

namespace dvr {

inline constexpr size_t kArpBytes = 28;
inline constexpr uint16_t kArpRequest = 1;
inline constexpr uint16_t kArpReply = 2;

class ArpView {
 public:
  // Nothing if it is cut short or not for IPv4 over Ethernet.
  static std::optional<ArpView> of(std::span<uint8_t> frame) {
    uint8_t* at = Cursor(frame, kEthernetBytes).take(kArpBytes);
    if (at == nullptr || load_be16(at) != 1 || load_be16(at + 2) != kEtherTypeIpv4 || at[4] != 6 || at[5] != 4)
      return std::nullopt;
    return ArpView(at);
  }

  uint16_t operation() const { return load_be16(at_ + 6); }
  MacAddr sender_mac() const { return MacAddr::of(at_ + 8); }
  IpAddr sender_ip() const { return IpAddr::v4(at_ + 14); }
  IpAddr target_ip() const { return IpAddr::v4(at_ + 24); }
  // RFC 5227 section 1.1: a probe has the all-zero sender address.
  bool is_probe() const { return load_be32(at_ + 14) == 0; }
  // RFC 5227 section 2.3: an announcement (gratuitous ARP) is for the sender's own address.
  bool is_announcement() const { return load_be32(at_ + 14) == load_be32(at_ + 24); }

  // Turns a request into the reply of `mac`: "the target address is at mac" (RFC 826, packet reception).
  void become_reply(const MacAddr& mac) {
    uint8_t asked[4];
    std::memcpy(asked, at_ + 24, 4);
    std::memcpy(at_ + 18, at_ + 8, 10);  // the sender becomes the target
    std::memcpy(at_ + 8, mac.bytes.data(), 6);
    std::memcpy(at_ + 14, asked, 4);
    store_be16(at_ + 6, kArpReply);
  }

 private:
  explicit ArpView(uint8_t* at) : at_(at) {}
  uint8_t* at_;
};

}  // namespace dvr
