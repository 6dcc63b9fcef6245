// Where a worker waits for its ports: it looks again for a moment (spin.hpp), then sleeps in epoll_wait, until one of
// them has something or its bell rings.
//
// Threads: `wait` and `worked` are the worker's own; any other may watch and ring.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <span>

#include "io/bell.hpp"
#include "io/device.hpp"
#include "worker/counters.hpp"
#include "worker/spin.hpp"

namespace dvr {

// epoll's words: one for the bell, for a device its port and the queue.
inline constexpr uint64_t kBellKey = UINT64_MAX;
constexpr uint64_t key_of(PortId port, size_t queue) { return uint64_t{queue} << 16 | port.value; }
constexpr PortId port_of_key(uint64_t key) { return PortId{static_cast<uint16_t>(key)}; }
constexpr size_t queue_of_key(uint64_t key) { return key >> 16; }

// What a pass tells of the next one.
struct PassEnd {
  size_t packets = 0;
  bool more_wait = false;  // where a turn has ended
};

class Lookout {
 public:
  explicit Lookout(uint32_t spin_us) : spin_(spin_us) {}
  SystemError open();

  // This queue of the device is read from now on.
  SystemError watch(const Device& device, size_t queue);
  // Needed before the descriptors close: a duplicate in the agent keeps the file, and so the entry, alive. Queues
  // that are other workers' are not in this epoll, which it does not mind.
  void unwatch(const Device& device);
  Bell& bell() { return bell_; }

  // What is ready, after as many looks as the spin allows and then a sleep; valid until the next call. Outside of
  // every burst, so that a worker with nothing to do delays nobody.
  std::span<const epoll_event> wait(PassEnd last, EngineCount& engine);
  // A pass has ended now.
  void worked(uint64_t now_ns) { spin_.worked(now_ns); }

 private:
  static constexpr int kReadyAtOnce = 32;

  std::span<const epoll_event> look(int timeout_ms);

  Fd epoll_;
  Bell bell_;
  Spin spin_;
  std::array<epoll_event, kReadyAtOnce> ready_;
};

}  // namespace dvr
