// A bounded queue between exactly two threads, one that pushes and one that takes. Never blocks and
// never allocates after it is made; when it is full, push answers false and the oldest entries stay.
//
// Proof: `pushed_` is written by the producer only, `taken_` by the consumer only. The producer fills a
// slot and then stores pushed_ with release; the consumer loads pushed_ with acquire, so it sees the
// filled slot. The consumer moves the entry out and then stores taken_ with release; the producer loads
// taken_ with acquire before it uses the slot again, so it never overwrites an entry being read.
// pushed_ - taken_ is between 0 and Capacity at all times: each side only sees a number of the other
// that is too old, and too old is always on the safe side. 64-bit numbers do not wrap.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace dvr {

template <class T, size_t Capacity>
class Ring {
  static_assert((Capacity & (Capacity - 1)) == 0, "a power of two, so that the place is a mask");

 public:
  // Producer. False: full, and the entry is not taken over.
  bool push(T entry) {
    const uint64_t pushed = pushed_.load(std::memory_order_relaxed);
    if (pushed - taken_.load(std::memory_order_acquire) == Capacity) return false;
    slots_[pushed & (Capacity - 1)] = std::move(entry);
    pushed_.store(pushed + 1, std::memory_order_release);
    return true;
  }

  // Consumer.
  bool is_empty() const {
    return taken_.load(std::memory_order_relaxed) == pushed_.load(std::memory_order_acquire);
  }

  // Consumer. False: empty.
  bool take(T& entry) {
    const uint64_t taken = taken_.load(std::memory_order_relaxed);
    if (taken == pushed_.load(std::memory_order_acquire)) return false;
    entry = std::move(slots_[taken & (Capacity - 1)]);
    taken_.store(taken + 1, std::memory_order_release);
    return true;
  }

 private:
  std::unique_ptr<T[]> slots_ = std::make_unique<T[]>(Capacity);
  alignas(64) std::atomic<uint64_t> pushed_{0};
  alignas(64) std::atomic<uint64_t> taken_{0};
};

}  // namespace dvr
