// A descriptor that Node's own loop watches for us, on its own thread, for as long as this lives. It keeps no
// process alive that has nothing else to do.
#pragma once

#include <uv.h>

#include <functional>
#include <memory>
#include <utility>

namespace dvr::node_api {

class LoopPoll {
 public:
  // `readable` is called again and again while the descriptor is readable; it may destroy this.
  LoopPoll(uv_loop_t* loop, int fd, std::function<void(int fd)> readable)
      : watch_(new Watch{{}, fd, std::move(readable)}) {
    if (uv_poll_init(loop, &watch_->poll, fd) != 0) {
      delete std::exchange(watch_, nullptr);
      return;
    }
    watch_->poll.data = watch_;
    uv_unref(reinterpret_cast<uv_handle_t*>(&watch_->poll));
    resume();
  }
  LoopPoll(LoopPoll&& other) noexcept : watch_(std::exchange(other.watch_, nullptr)) {}
  LoopPoll& operator=(LoopPoll&& other) noexcept {
    std::swap(watch_, other.watch_);
    return *this;
  }
  // The loop lets go of the handle at its next turn, and frees it then.
  ~LoopPoll() {
    if (watch_ == nullptr) return;
    uv_close(reinterpret_cast<uv_handle_t*>(&watch_->poll),
             [](uv_handle_t* handle) { delete static_cast<Watch*>(handle->data); });
  }

  // What is there meanwhile waits in the descriptor.
  void pause() {
    if (watch_ != nullptr) uv_poll_stop(&watch_->poll);
  }
  void resume() {
    if (watch_ == nullptr) return;
    uv_poll_start(&watch_->poll, UV_READABLE, [](uv_poll_t* poll, int, int) {
      const auto* watch = static_cast<Watch*>(poll->data);
      watch->readable(watch->fd);
    });
  }

 private:
  struct Watch {
    uv_poll_t poll;
    int fd;
    std::function<void(int fd)> readable;
  };

  Watch* watch_;  // null: there is nothing to watch
};

}  // namespace dvr::node_api
