// When a worker that has nothing to do polls on, and when it sleeps. Waking a sleeping CPU costs more than a
// packet's whole way through this node, so a worker looks again for a moment after each packet; then it
// sleeps, and an idle node costs nothing.
//
// Between two looks it yields. Where a yield takes long, other threads want this CPU: they run now instead of
// after us, and if that goes on the worker stops polling for a while, because it would only steal from the
// very VMs it works for.
#pragma once

#include <cstdint>

namespace dvr {

inline constexpr uint32_t kDefaultSpinUs = 50;
inline constexpr uint32_t kMaxSpinUs = 1000;  // more is no moment: a worker would steal a CPU for good

// A yield that found nobody else returns in less than a microsecond.
inline constexpr uint64_t kSlowYieldNs = 20'000;
inline constexpr int kSlowYields = 3;               // so many in a row, and the spin pauses
inline constexpr uint64_t kSpinPauseNs = 10'000'000;

class Spin {
 public:
  explicit Spin(uint32_t spin_us) : spin_ns_(uint64_t{spin_us} * 1000) {}

  // Packets came.
  void worked(uint64_t now_ns) {
    if (now_ns >= paused_until_ns_) until_ns_ = now_ns + spin_ns_;
  }
  // Another look without sleeping is worth it.
  bool goes_on(uint64_t now_ns) const { return now_ns < until_ns_; }
  // A yield began and ended.
  void yielded(uint64_t before_ns, uint64_t after_ns) {
    slow_yields_ = after_ns - before_ns > kSlowYieldNs ? slow_yields_ + 1 : 0;
    if (slow_yields_ < kSlowYields) return;
    slow_yields_ = 0;
    until_ns_ = 0;
    paused_until_ns_ = after_ns + kSpinPauseNs;
  }

 private:
  const uint64_t spin_ns_;
  uint64_t until_ns_ = 0;
  uint64_t paused_until_ns_ = 0;
  int slow_yields_ = 0;
};

}  // namespace dvr
