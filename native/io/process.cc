#include "io/process.hpp"

#include <sys/syscall.h>

namespace dvr {

Result<Fd> duplicate_fd(int pid, int fd) {
  const Fd process{static_cast<int>(syscall(SYS_pidfd_open, pid, 0))};
  if (!process.is_open()) return failed("pidfd_open", "pid " + std::to_string(pid));
  Fd mine{static_cast<int>(syscall(SYS_pidfd_getfd, process.number(), fd, 0))};
  if (!mine.is_open())
    return failed("pidfd_getfd", "fd " + std::to_string(fd) + " of pid " + std::to_string(pid));
  return mine;
}

}  // namespace dvr
