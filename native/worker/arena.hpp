// A worker's memory for packets: one huge page, filled from the front. Every frame read stays where it is until
// all that waits to be sent has left (the flush); then the filling begins again at the front.
//
// Small packets lie densely, a super-frame takes what it is long, and nothing is ever copied or allocated. A
// frame that nothing waits for any more is not kept: the next one is read to the same, hottest bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "io/system_error.hpp"
#include "packet/packet.hpp"

namespace dvr {

// A huge page of x86-64 and arm64: one TLB entry for all packets of a worker.
inline constexpr size_t kArenaBytes = 2 << 20;
inline constexpr size_t kSlotBytes = kHeadroom + kMaxFrameBytes;

class Arena {
 public:
  Arena() = default;
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // Maps the page and touches all of it, so that no packet ever waits for memory.
  SystemError open();

  // Where the next frame is read to: kHeadroom, then room for the largest frame.
  std::span<uint8_t> slot() const { return {bytes_ + at_, kSlotBytes}; }
  // The first `frame_bytes` behind the slot's headroom stay. False: no further frame has room, so flush and
  // reset come before the next slot().
  bool keep(size_t frame_bytes) {
    constexpr size_t kLine = 64;
    at_ += (kHeadroom + frame_bytes + kLine - 1) / kLine * kLine;
    return at_ + kSlotBytes <= kArenaBytes;
  }
  // Nothing waits that points here.
  void reset() { at_ = 0; }

 private:
  uint8_t* bytes_ = nullptr;
  size_t at_ = 0;
};

}  // namespace dvr
