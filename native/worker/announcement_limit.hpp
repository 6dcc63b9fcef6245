// How often a worker tells of what a VM announces: so many at once from each port and so many a second, whatever
// other ports do. What is left out comes again by itself: VRRP repeats its announcements.
//
// Only its worker calls it. For each port the moment is kept at which all that it made would have been due at the
// steady rate; a port that is ahead of the clock by more than a burst has made too many.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/types.hpp"

namespace dvr {

// Five announcements of every address that a port's pairs can name, at once.
inline constexpr uint64_t kAnnouncementBurst = 320;
inline constexpr uint64_t kAnnouncementsPerSecond = 100;

class AnnouncementLimit {
 public:
  bool allows(PortId port, uint64_t now_ns) {
    if (port.value >= due_ns_.size()) return false;
    uint64_t& due_ns = due_ns_[port.value];
    const uint64_t next_ns = std::max(due_ns, now_ns) + kIntervalNs;
    if (next_ns > now_ns + kAnnouncementBurst * kIntervalNs) return false;
    due_ns = next_ns;
    return true;
  }

 private:
  static constexpr uint64_t kIntervalNs = 1'000'000'000 / kAnnouncementsPerSecond;
  std::vector<uint64_t> due_ns_ = std::vector<uint64_t>(kPortLimit);
};

}  // namespace dvr
