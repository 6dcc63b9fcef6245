// The time that goes on evenly: CLOCK_MONOTONIC, comparable within one machine. Never read in a stage.
#pragma once

#include <time.h>

#include <cstdint>

namespace dvr {

inline uint64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<uint64_t>(now.tv_nsec);
}

}  // namespace dvr
