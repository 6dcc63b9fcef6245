// Epochs: when may the writer free what readers may still hold? One writer (the JS thread), a fixed
// number of readers (the workers). A reader never waits; the writer never waits either, it asks again.
//
// Proof that nothing is freed while a reader holds it.
//   Reader, at the start of a burst:  (R1) e = global   (R2) seen = e   (R3) pointer = current
//   Reader, at the end of a burst:    (R4) seen = kAway
//   Writer, replacing a value:        (W1) current = new   (W2) global += 1, giving g; old is tagged g
//   Writer, before freeing old:       (W3) every seen is kAway or >= g
// All accesses are sequentially consistent, so they stand in one total order S. Suppose a reader holds
// `old`: its R3 stands before W1 in S, so its R2, which comes before R3, does too, and so does its R1:
// e < g. R4 of that burst has not happened. Hence W3, which is after W2 and so after R2, reads
// seen = e < g, and the writer keeps `old`. Conversely, when W3 passes, every reader is between bursts
// (and will read `new`, because its next R3 is after W1) or began its burst after W2 (same reason).
// R4 is a release of all reads of the burst and W3 acquires it, so the free happens after them.
// The cost is one such store per burst, not per packet.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace dvr {

class Epochs {
 public:
  explicit Epochs(size_t readers) : seen_(readers) {}

  // Reader: from here to `leave` whatever is read from a Published stays alive.
  void enter(size_t reader) {
    const uint64_t now = global_.load(std::memory_order_seq_cst);
    seen_[reader].epoch.store(now, std::memory_order_seq_cst);
  }
  // Reader: holds nothing any more; called before it may sleep, so that a sleeper delays nobody.
  void leave(size_t reader) { seen_[reader].epoch.store(kAway, std::memory_order_seq_cst); }

  // Writer: begins a new epoch, after the pointer was replaced; the old value is tagged with the answer.
  uint64_t advance() { return global_.fetch_add(1, std::memory_order_seq_cst) + 1; }

  // Writer: the oldest epoch some reader may still be in; what is tagged at or below it may be freed.
  uint64_t oldest() const {
    uint64_t oldest = kAway;
    for (const Seen& seen : seen_) {
      const uint64_t epoch = seen.epoch.load(std::memory_order_seq_cst);
      if (epoch < oldest) oldest = epoch;
    }
    return oldest;
  }

 private:
  static constexpr uint64_t kAway = UINT64_MAX;
  // One cache line each, so that one worker's bursts do not slow another's.
  struct alignas(64) Seen {
    std::atomic<uint64_t> epoch{kAway};
  };

  std::atomic<uint64_t> global_{1};
  std::vector<Seen> seen_;
};

// A reader's burst, from construction to the end of the scope.
class Burst {
 public:
  Burst(Epochs& epochs, size_t reader) : epochs_(epochs), reader_(reader) { epochs_.enter(reader_); }
  ~Burst() { epochs_.leave(reader_); }
  Burst(const Burst&) = delete;
  Burst& operator=(const Burst&) = delete;

 private:
  Epochs& epochs_;
  size_t reader_;
};

}  // namespace dvr
