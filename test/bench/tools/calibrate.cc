// calibrate: nanoseconds of the cheapest system call (getppid), over about a tenth of a second.
//
// The machine below a virtual machine is shared, and the same code runs up to twice as slow at times:
// repetitions whose figure differs were not measured on the same machine.
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>

#include "tool.hpp"

namespace {

constexpr uint64_t kRoundNs = 100'000'000;
constexpr int kCallsBetweenLooks = 1000;

}  // namespace

int main() {
  const uint64_t began = now_ns();
  uint64_t now = began;
  uint64_t calls = 0;
  while (now - began < kRoundNs) {
    for (int call = 0; call < kCallsBetweenLooks; ++call) syscall(SYS_getppid);
    calls += kCallsBetweenLooks;
    now = now_ns();
  }
  std::printf("{\"getppid_ns\":%.1f}\n", static_cast<double>(now - began) / static_cast<double>(calls));
  return 0;
}
