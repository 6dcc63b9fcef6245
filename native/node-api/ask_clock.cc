#include "node-api/ask_clock.hpp"

#include <algorithm>

namespace dvr::node_api {
namespace {

uint64_t now_ms() { return uv_hrtime() / 1'000'000; }

uint64_t next_moment(uint64_t after_ms, uint64_t period_ms) { return (after_ms / period_ms + 1) * period_ms; }

}  // namespace

AskClock& AskClock::here() {
  thread_local AskClock clock;
  return clock;
}

void AskClock::add(uv_loop_t* loop, Asked* asked, uint64_t period_ms) {
  if (entry_of(asked) != nullptr) return;
  entries_.push_back({asked, period_ms, next_moment(now_ms(), period_ms)});
  if (timer_ == nullptr) start(loop);
  ring_next(0);
}

void AskClock::remove(Asked* asked) {
  std::erase_if(entries_, [asked](const Entry& entry) { return entry.asked == asked; });
  if (entries_.empty() && timer_ != nullptr) stop();
}

AskClock::Entry* AskClock::entry_of(Asked* asked) {
  const auto found = std::find_if(entries_.begin(), entries_.end(), [asked](const Entry& one) { return one.asked == asked; });
  return found == entries_.end() ? nullptr : &*found;
}

void AskClock::start(uv_loop_t* loop) {
  timer_ = new uv_timer_t{};
  uv_timer_init(loop, timer_);
  timer_->data = this;
  // A process that has nothing else to do is not kept alive by this.
  uv_unref(reinterpret_cast<uv_handle_t*>(timer_));
}

void AskClock::stop() {
  uv_close(reinterpret_cast<uv_handle_t*>(timer_),
           [](uv_handle_t* handle) { delete reinterpret_cast<uv_timer_t*>(handle); });
  timer_ = nullptr;
}

void AskClock::tick() {
  const uint64_t began_ms = now_ms();
  // Some may be gone by the time it is their turn, and others new.
  const std::vector<Entry> all = entries_;
  for (const Entry& one : all) {
    Entry* const entry = one.due_ms <= began_ms ? entry_of(one.asked) : nullptr;
    if (entry == nullptr) continue;
    entry->due_ms = next_moment(began_ms, entry->period_ms);
    entry->asked->ask();
  }
  const uint64_t ended_ms = now_ms();
  if (timer_ != nullptr) ring_next(ended_ms + (ended_ms - began_ms) * kAskShare);
}

// At the moment that is due first, but not before the earliest.
void AskClock::ring_next(uint64_t earliest_ms) {
  const auto first = std::min_element(entries_.begin(), entries_.end(),
                                      [](const Entry& a, const Entry& b) { return a.due_ms < b.due_ms; });
  const uint64_t at_ms = std::max(first->due_ms, earliest_ms), now = now_ms();
  uv_timer_start(timer_, [](uv_timer_t* timer) { static_cast<AskClock*>(timer->data)->tick(); },
                 at_ms > now ? at_ms - now : 0, 0);
}

}  // namespace dvr::node_api
