// When a worker that has nothing to do polls on, and when it sleeps. Waking a sleeping CPU costs more than a
// packet's whole way through this node, so a worker looks again for a moment after each packet; then it
// sleeps, and an idle node costs nothing.
//
// Between two looks it yields, so it takes no CPU from a thread that wants one: a yield comes back when that one
// has run, and the time it took counts as the spin's.
#pragma once

#include <cstdint>

namespace dvr {

// About two round trips between VMs: who asks and waits for the answer finds every worker awake.
inline constexpr uint32_t kDefaultSpinUs = 100;
inline constexpr uint32_t kMaxSpinUs = 1000;  // more is no moment

class Spin {
 public:
  explicit Spin(uint32_t spin_us) : spin_ns_(uint64_t{spin_us} * 1000) {}

  // Packets came.
  void worked(uint64_t now_ns) { until_ns_ = now_ns + spin_ns_; }
  // Another look without sleeping is worth it.
  bool goes_on(uint64_t now_ns) const { return now_ns < until_ns_; }

 private:
  const uint64_t spin_ns_;
  uint64_t until_ns_ = 0;
};

}  // namespace dvr
