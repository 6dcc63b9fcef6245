// Bounded access to packet bytes: the only way stages get at them. Out of range gives nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace dvr {

class Cursor {
 public:
  explicit Cursor(std::span<uint8_t> bytes, size_t at = 0) : bytes_(bytes), at_(at) {}

  // The next `count` bytes, and moves behind them; null, and stays, if not all of them are there.
  uint8_t* take(size_t count) {
    if (rest() < count) return nullptr;
    uint8_t* here = bytes_.data() + at_;
    at_ += count;
    return here;
  }

  size_t at() const { return at_; }
  size_t rest() const { return at_ > bytes_.size() ? 0 : bytes_.size() - at_; }

 private:
  std::span<uint8_t> bytes_;
  size_t at_;
};

}  // namespace dvr
