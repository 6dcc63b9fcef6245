// Cuts a super-frame (TSO or USO) into the VXLAN packets of one or more UDP_SEGMENT trains: each segment
// is a header block of its own, fixed up, and a slice of the payload, which is never copied.
// Before: vxlan_encap (the 8 VXLAN bytes stand before the frame). Next: the VTEP socket's sendmsg.
// Spec: RFC 9293 (sequence numbers), RFC 3168 section 6.1.2 (CWR once), RFC 6864 (IPv4 ID), RFC 768.
// Networks carry untagged frames, so the IP header is always at byte 14.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "gso/train.hpp"
#include "packet/packet.hpp"

namespace dvr {

// VXLAN + Ethernet + IPv6 with some extension headers + TCP with all options.
inline constexpr size_t kMaxHeaderBlockBytes = 256;

// Cuts one super-frame, train after train. Holds the header blocks, so one lives in each worker and is
// used again for every super-frame; a train is valid until the next call.
class Segmenter {
 public:
  // False: the packet's offload fields contradict its bytes; nothing can be cut.
  bool begin(const Packet& packet);
  // The next train of at most `limit` segments (1: no UDP_SEGMENT in this kernel); none left: segments is 0.
  Train next(size_t limit = kMaxTrainSegments);

 private:
  void write_headers(uint8_t* block, std::span<const uint8_t> slice, bool first, bool last);

  std::span<const uint8_t> headers_;  // VXLAN to transport header, as the stages left them
  std::span<const uint8_t> payload_;
  Offload offload_;
  size_t payload_at_ = 0;
  uint16_t segment_index_ = 0;
  uint16_t pseudo_sum_ = 0;  // of the pseudo-header without its length

  std::array<std::array<uint8_t, kMaxHeaderBlockBytes>, kMaxTrainSegments> blocks_;
  std::array<iovec, kMaxTrainSegments * 2> pieces_;
};

}  // namespace dvr
