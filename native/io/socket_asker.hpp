// Asks network namespaces for their packet sockets again and again, and rings a bell where there are others than
// before. One thread of the process does it for all of them: what is woken 20 times a second is a few pages of code
// and not a whole JavaScript engine, whose cold caches cost several times as much as the asking.
//
// Those asked at one rate are asked in one wake-up, at the same moments of CLOCK_MONOTONIC in every process of the
// machine: the later ones find the caches warm, and a CPU sleeps longer.
//
// Threads: `run` is the asker's own; any other may call the rest. What belongs to one namespace has a lock of its own,
// so that nobody waits for more than one asking.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "io/bell.hpp"
#include "io/packet_diag.hpp"

namespace dvr {

// How seldom where asking takes long: at most one part in so many of the time is spent.
inline constexpr int kAskShare = 50;

// One namespace to be asked about; its descriptors keep it alive until it is removed from the asker.
class AskedSockets {
 public:
  // The namespace that the calling thread is in.
  static Result<std::shared_ptr<AskedSockets>> open(std::chrono::milliseconds period);

  Result<std::vector<PacketSocket>> sockets();
  // Rung when there are others than when anybody asked last, or when they cannot be asked for any more.
  Bell& changed() { return changed_; }
  const Fd& netns() const { return diag_.netns(); }

 private:
  friend class SocketAsker;
  using Moment = std::chrono::steady_clock::time_point;

  void ask();
  void close();

  std::mutex lock_;
  PacketDiag diag_;
  bool closed_ = false;
  std::vector<PacketSocket> last_;
  Bell changed_;
  std::chrono::milliseconds period_{};
  Moment due_;  // the asker's
};

class SocketAsker {
 public:
  // The one of this process. Its thread begins with the first who is asked, and sleeps while nobody is.
  static SocketAsker& here();
  ~SocketAsker();

  // From the next moment on that its period divides.
  void add(std::shared_ptr<AskedSockets> asked);
  // It is closed, and not asked any more, when this returns.
  void remove(const std::shared_ptr<AskedSockets>& asked);

 private:
  void run();
  void ask_all(AskedSockets::Moment began);
  AskedSockets::Moment first_due();

  std::mutex lock_;
  std::condition_variable news_;
  std::vector<std::shared_ptr<AskedSockets>> all_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace dvr
