// What the tunnel's receive side does with trains: today it takes a UDP_GRO train apart into the datagrams
// it was made of. Joining the segments of one inner flow back into a super-frame for the TAP (the GRO engine
// of the fast path) will stand here too, between `Datagrams` and the pipeline, over one receive only.
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
