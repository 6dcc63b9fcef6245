// A train: VXLAN packets of one size to one VTEP that leave by a single sendmsg with UDP_SEGMENT.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <span>

namespace dvr {

// Linux sends at most 64 segments in one call before 6.10 (UDP_MAX_SEGMENTS), and 65507 bytes ever.
inline constexpr size_t kMaxTrainSegments = 64;
inline constexpr size_t kMaxTrainBytes = 65507;

// All segments have segment_bytes, the last one may be shorter.
struct Train {
  std::span<iovec> pieces;
  size_t segment_bytes = 0;
  size_t segments = 0;
  size_t total_bytes = 0;
};

}  // namespace dvr
