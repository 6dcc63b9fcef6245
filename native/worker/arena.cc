#include "worker/arena.hpp"

#include <sys/mman.h>

#include <cstring>

namespace dvr {

SystemError Arena::open() {
  if (bytes_ != nullptr) return {};
  // Twice as much, because only a page that starts at a multiple of its size can be a huge one.
  void* mapped = mmap(nullptr, 2 * kArenaBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return failed("mmap", "worker arena");
  auto* const start = static_cast<uint8_t*>(mapped);
  const size_t before = (kArenaBytes - reinterpret_cast<uintptr_t>(start) % kArenaBytes) % kArenaBytes;
  if (before > 0) munmap(start, before);
  munmap(start + before + kArenaBytes, kArenaBytes - before);
  bytes_ = start + before;
  // A wish: a kernel without huge pages gives small ones.
  madvise(bytes_, kArenaBytes, MADV_HUGEPAGE);
  std::memset(bytes_, 0, kArenaBytes);
  return {};
}

Arena::~Arena() {
  if (bytes_ != nullptr) munmap(bytes_, kArenaBytes);
}

}  // namespace dvr
