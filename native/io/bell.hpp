// A bell that one thread rings and another sleeps on: an eventfd, written at most once until it is heard, so that
// ringing costs a system call only where nobody has rung yet. What there is to do is said elsewhere (a ring
// buffer, a published version): put it there first, then ring; hear first, then look.
#pragma once

#include <sys/eventfd.h>

#include <atomic>

#include "io/fd.hpp"
#include "io/system_error.hpp"

namespace dvr {

class Bell {
 public:
  SystemError open() {
    fd_ = Fd{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    return fd_.is_open() ? SystemError{} : failed("eventfd", "bell");
  }

  // Readable while the bell has rung and was not heard.
  int fd() const { return fd_.number(); }

  // Any thread.
  void ring() {
    if (rung_.exchange(true, std::memory_order_seq_cst)) return;
    const uint64_t one = 1;
    // It fails only when 2^64 - 2 rings wait already.
    if (write(fd_.number(), &one, sizeof one) != sizeof one) return;
  }

  // The one that sleeps; answers whether it has rung. Read before the flag falls: whoever rings in between is heard by
  // this very look, and whoever rings after it writes anew.
  bool hear() {
    uint64_t rings;
    if (read(fd_.number(), &rings, sizeof rings) < 0) return false;
    rung_.store(false, std::memory_order_seq_cst);
    return true;
  }

 private:
  Fd fd_;
  std::atomic<bool> rung_{false};
};

}  // namespace dvr
