#include "node-api/ask_clock.hpp"

#include <algorithm>

namespace dvr::node_api {

AskClock& AskClock::here() {
  thread_local AskClock clock;
  return clock;
}

void AskClock::add(uv_loop_t* loop, Asked* asked) {
  asked_.push_back(asked);
  if (timer_ == nullptr) start(loop);
}

void AskClock::remove(Asked* asked) {
  std::erase(asked_, asked);
  if (!asked_.empty() || timer_ == nullptr) return;
  uv_close(reinterpret_cast<uv_handle_t*>(timer_),
           [](uv_handle_t* handle) { delete reinterpret_cast<uv_timer_t*>(handle); });
  timer_ = nullptr;
}

void AskClock::start(uv_loop_t* loop) {
  timer_ = new uv_timer_t{};
  uv_timer_init(loop, timer_);
  timer_->data = this;
  // A process that has nothing else to do is not kept alive by this.
  uv_unref(reinterpret_cast<uv_handle_t*>(timer_));
  ring_after(kAskMs);
}

void AskClock::tick() {
  const uint64_t began_ns = uv_hrtime();
  // Some may be gone by the time it is their turn, and others new.
  const std::vector<Asked*> all = asked_;
  for (Asked* one : all)
    if (std::find(asked_.begin(), asked_.end(), one) != asked_.end()) one->ask();
  const uint64_t took_ms = (uv_hrtime() - began_ns) / 1'000'000;
  if (timer_ != nullptr) ring_after(std::max(kAskMs, took_ms * kAskShare));
}

void AskClock::ring_after(uint64_t ms) {
  uv_timer_start(timer_, [](uv_timer_t* timer) { static_cast<AskClock*>(timer->data)->tick(); }, ms, 0);
}

}  // namespace dvr::node_api
