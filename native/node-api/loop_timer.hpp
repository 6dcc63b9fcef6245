// A timer on Node's own loop that rings again and again between start and stop, on its own thread. It keeps no process
// alive that has nothing else to do.
#pragma once

#include <uv.h>

#include <cstdint>
#include <functional>
#include <utility>

namespace dvr::node_api {

class LoopTimer {
 public:
  // `ring` may stop the timer, and destroy it.
  LoopTimer(uv_loop_t* loop, uint64_t period_ms, std::function<void()> ring)
      : kept_(new Kept{{}, period_ms, std::move(ring)}) {
    uv_timer_init(loop, &kept_->timer);
    kept_->timer.data = kept_;
    uv_unref(reinterpret_cast<uv_handle_t*>(&kept_->timer));
  }
  LoopTimer(const LoopTimer&) = delete;
  LoopTimer& operator=(const LoopTimer&) = delete;
  // The loop lets go of the handle at its next turn, and frees it then.
  ~LoopTimer() {
    uv_close(reinterpret_cast<uv_handle_t*>(&kept_->timer),
             [](uv_handle_t* handle) { delete static_cast<Kept*>(handle->data); });
  }

  // Rings first after one period; does nothing while it runs.
  void start() {
    if (uv_is_active(reinterpret_cast<uv_handle_t*>(&kept_->timer)) != 0) return;
    uv_timer_start(&kept_->timer, [](uv_timer_t* timer) { static_cast<Kept*>(timer->data)->ring(); },
                   kept_->period_ms, kept_->period_ms);
  }
  void stop() { uv_timer_stop(&kept_->timer); }

 private:
  struct Kept {
    uv_timer_t timer;
    uint64_t period_ms;
    std::function<void()> ring;
  };

  Kept* kept_;
};

}  // namespace dvr::node_api
