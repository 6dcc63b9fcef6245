// Taking a descriptor out of another process: how devices outlive a dataplane.
#pragma once

#include "io/fd.hpp"
#include "io/system_error.hpp"

namespace dvr {

// Duplicates a descriptor of process `pid` into this one (pidfd_getfd(2), Linux 5.6). Needs the right to
// ptrace that process.
Result<Fd> duplicate_fd(int pid, int fd);

}  // namespace dvr
