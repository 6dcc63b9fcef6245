// Takes what one receive gave (UDP_GRO joins datagrams of one sender) apart into the VXLAN packets it was
// made of.
// Before: the VTEP socket. Next: recover_offload, then vxlan_decap.
#pragma once

#include <cstdint>
#include <span>

namespace dvr {

// The VXLAN packets of one receive, one after the other. `gso_bytes` is what the kernel said with UDP_GRO,
// 0 for a single datagram.
class Datagrams {
 public:
  Datagrams(std::span<uint8_t> received, uint16_t gso_bytes);
  // The next VXLAN packet; empty: no more.
  std::span<uint8_t> next();
  // The datagram is one inner super-frame of a kernel VXLAN peer; this is then its inner segment size.
  uint16_t inner_gso_bytes() const { return inner_gso_bytes_; }

 private:
  std::span<uint8_t> rest_;
  size_t step_;
  uint16_t inner_gso_bytes_ = 0;
};

}  // namespace dvr
