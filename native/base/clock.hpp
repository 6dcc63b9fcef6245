// The time that goes on evenly: CLOCK_MONOTONIC, comparable within one machine. Never read in a stage.
//
// The coarse clock is the same time as of the kernel's last tick (1 to 10 ms ago, never ahead): a read of memory
// instead of a hardware counter, cheap enough for each packet.
#pragma once

#include <time.h>

#include <cstdint>

namespace dvr {

inline uint64_t ns_of(const timespec& time) {
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(time.tv_nsec);
}

inline uint64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return ns_of(now);
}

inline uint64_t monotonic_coarse_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return ns_of(now);
}

// How far the coarse clock is behind at most.
inline uint64_t coarse_tick_ns() {
  timespec tick{};
  clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
  return ns_of(tick);
}

}  // namespace dvr
