// How much of its turn a port has used: one flooding VM must not keep the others waiting.
#pragma once

#include <cstddef>

namespace dvr {

// Many small packets, so that trains get long even when many flows share them; few super-frames.
inline constexpr size_t kPacketsPerTurn = 256;
inline constexpr size_t kBytesPerTurn = 1 << 20;

class Turn {
 public:
  bool is_over() const { return packets_ >= kPacketsPerTurn || bytes_ >= kBytesPerTurn; }
  void took(size_t bytes) { ++packets_, bytes_ += bytes; }

 private:
  size_t packets_ = 0, bytes_ = 0;
};

}  // namespace dvr
