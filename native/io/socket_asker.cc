#include "io/socket_asker.hpp"

#include <sys/prctl.h>

#include <algorithm>

namespace dvr {
namespace {

using Clock = std::chrono::steady_clock;

// A moment later may be one with another thread's, so that the CPU wakes once for both.
constexpr unsigned long kSlackNs = 1'000'000;

Clock::time_point next_moment(Clock::time_point after, std::chrono::milliseconds period) {
  return Clock::time_point((after.time_since_epoch() / period + 1) * period);
}

}  // namespace

Result<std::shared_ptr<AskedSockets>> AskedSockets::open(std::chrono::milliseconds period) {
  auto made = std::make_shared<AskedSockets>();
  auto diag = PacketDiag::open();
  if (!diag.ok()) return diag.error;
  made->diag_ = std::move(diag.value);
  if (auto error = made->changed_.open()) return error;
  made->period_ = period;
  made->due_ = next_moment(Clock::now(), period);
  return made;
}

// Whoever looks knows: news is what differs from this.
Result<std::vector<PacketSocket>> AskedSockets::sockets() {
  const std::lock_guard hold(lock_);
  auto found = diag_.sockets();
  if (found.ok()) last_ = found.value;
  return found;
}

void AskedSockets::close() {
  const std::lock_guard hold(lock_);
  diag_ = {};
  closed_ = true;
}

// What cannot be asked any more rings as well: whoever looks finds the error.
void AskedSockets::ask() {
  const std::lock_guard hold(lock_);
  if (closed_) return;
  auto found = diag_.sockets();
  if (found.ok() && found.value == last_) return;
  last_ = std::move(found.value);
  changed_.ring();
}

SocketAsker& SocketAsker::here() {
  static SocketAsker asker;
  return asker;
}

SocketAsker::~SocketAsker() {
  {
    const std::lock_guard hold(lock_);
    stopping_ = true;
  }
  news_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void SocketAsker::add(std::shared_ptr<AskedSockets> asked) {
  {
    const std::lock_guard hold(lock_);
    all_.push_back(std::move(asked));
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  }
  news_.notify_one();
}

void SocketAsker::remove(const std::shared_ptr<AskedSockets>& asked) {
  {
    const std::lock_guard hold(lock_);
    std::erase(all_, asked);
  }
  asked->close();
}

void SocketAsker::run() {
  prctl(PR_SET_NAME, "dvr asker");
  prctl(PR_SET_TIMERSLACK, kSlackNs);
  auto earliest = Clock::now();
  for (std::unique_lock hold(lock_); !stopping_;) {
    // Never before it is due, never sooner than its share allows; who comes meanwhile may be due first.
    const auto at = std::max(first_due(), earliest);
    if (Clock::now() < at) {
      news_.wait_until(hold, at);
      continue;
    }
    hold.unlock();
    const auto began = Clock::now();
    ask_all(began);
    const auto ended = Clock::now();
    earliest = ended + (ended - began) * kAskShare;
    hold.lock();
  }
}

Clock::time_point SocketAsker::first_due() {
  auto first = Clock::now() + std::chrono::hours(1);
  for (const auto& one : all_) first = std::min(first, one->due_);
  return first;
}

// Some may be gone by the time it is their turn: they are closed.
void SocketAsker::ask_all(Clock::time_point began) {
  std::unique_lock hold(lock_);
  const auto all = all_;
  hold.unlock();
  for (const auto& one : all) {
    if (one->due_ > began) continue;
    one->ask();
    one->due_ = next_moment(began, one->period_);
  }
}

}  // namespace dvr
