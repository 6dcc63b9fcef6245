#include "worker/lookout.hpp"

#include <sched.h>

#include <algorithm>

#include "base/clock.hpp"

namespace dvr {

SystemError Lookout::open() {
  epoll_ = Fd{epoll_create1(EPOLL_CLOEXEC)};
  if (!epoll_.is_open()) return failed("epoll_create1", "worker");
  if (auto error = bell_.open()) return error;
  epoll_event event{EPOLLIN, {.u64 = kBellKey}};
  if (epoll_ctl(epoll_.number(), EPOLL_CTL_ADD, bell_.fd(), &event) < 0) return failed("epoll_ctl", "worker");
  return {};
}

SystemError Lookout::watch(const Device& device, size_t queue) {
  epoll_event event{EPOLLIN, {.u64 = key_of(device.spec.port, queue)}};
  if (epoll_ctl(epoll_.number(), EPOLL_CTL_ADD, device.queues[queue].number(), &event) < 0)
    return failed("epoll_ctl", device.spec.name);
  return {};
}

void Lookout::unwatch(const Device& device) {
  for (const Fd& queue : device.queues) epoll_ctl(epoll_.number(), EPOLL_CTL_DEL, queue.number(), nullptr);
}

std::span<const epoll_event> Lookout::wait(PassEnd last, EngineCount& engine) {
  // After several packets at once there will be more: whoever sends or takes them goes first, and the next pass is
  // longer. But while some wait already, every further one that a busy sender adds would only be dropped.
  if (last.packets > 1 && !last.more_wait) sched_yield();
  bool looked_before = false;
  for (uint64_t now_ns = monotonic_ns(); spin_.goes_on(now_ns); looked_before = true) {
    if (const auto found = look(0); !found.empty()) {
      if (looked_before) engine.spins_found_work.add();
      return found;
    }
    engine.spins.add();
    sched_yield();
    now_ns = monotonic_ns();
  }
  const auto found = look(-1);
  engine.wake_ups.add();
  return found;
}

// Nothing, where a signal came instead.
std::span<const epoll_event> Lookout::look(int timeout_ms) {
  const int count = epoll_wait(epoll_.number(), ready_.data(), kReadyAtOnce, timeout_ms);
  return {ready_.data(), static_cast<size_t>(std::max(count, 0))};
}

}  // namespace dvr
