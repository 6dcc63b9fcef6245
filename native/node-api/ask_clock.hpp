// One timer on Node's loop for everything that must be asked again and again: a wake-up that finds nothing
// new never enters JS. All that are asked at one rate are asked in one wake-up, at the same moments of
// CLOCK_MONOTONIC in every process of the machine: the later ones find the caches warm, and a CPU sleeps longer.
#pragma once

#include <uv.h>

#include <cstdint>
#include <vector>

namespace dvr::node_api {

// How seldom where asking takes long: at most one part in so many of the time is spent.
constexpr uint64_t kAskShare = 50;

class Asked {
 public:
  virtual ~Asked() = default;
  // May add and remove any.
  virtual void ask() = 0;
};

class AskClock {
 public:
  // The clock of this thread, which is the one of its Node environment.
  static AskClock& here();

  // From the next moment on that `period_ms` divides. Who is asked already is not asked more often.
  void add(uv_loop_t* loop, Asked* asked, uint64_t period_ms);
  void remove(Asked* asked);

 private:
  struct Entry {
    Asked* asked;
    uint64_t period_ms;
    uint64_t due_ms;
  };

  Entry* entry_of(Asked* asked);
  void start(uv_loop_t* loop);
  void stop();
  void tick();
  void ring_next(uint64_t earliest_ms);

  std::vector<Entry> entries_;
  uv_timer_t* timer_ = nullptr;  // frees itself when the loop has let go of it; null while nobody is asked
};

}  // namespace dvr::node_api
