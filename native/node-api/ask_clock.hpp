// One timer on Node's loop for everything that must be asked again and again: a wake-up that finds nothing
// new costs a few microseconds, because it never enters JS. All that are asked share it, so that a process
// wakes as often for a thousand as for one.
#pragma once

#include <uv.h>

#include <cstdint>
#include <vector>

namespace dvr::node_api {

// How often, and how seldom where asking takes long: at most one part in so many of the time is spent.
constexpr uint64_t kAskMs = 50, kAskShare = 50;

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

  void add(uv_loop_t* loop, Asked* asked);
  void remove(Asked* asked);

 private:
  void start(uv_loop_t* loop);
  void tick();
  void ring_after(uint64_t ms);

  std::vector<Asked*> asked_;
  uv_timer_t* timer_ = nullptr;  // frees itself when the loop has let go of it; null while nobody is asked
};

}  // namespace dvr::node_api
