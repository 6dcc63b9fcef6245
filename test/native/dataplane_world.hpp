// A running dataplane in a test's own namespace: its devices come up as a VM's do, and what its workers do is
// waited for.
#pragma once

#include <time.h>

#include <functional>

#include "net_world.hpp"
#include "worker/dataplane.hpp"

namespace dvr::test {

// Workers have no signal for "done", so tests look again until it is so; bounded by two seconds.
inline bool eventually(const std::function<bool()>& holds) {
  for (int tries = 0; tries < 400; ++tries) {
    if (holds()) return true;
    const timespec pause{0, 5'000'000};
    nanosleep(&pause, nullptr);
  }
  return false;
}

inline uint64_t engine(const Dataplane& dataplane, const std::string& name) {
  const Totals totals = dataplane.totals();
  for (size_t at = 0; at < kEngineCounterCount; ++at)
    if (name == kEngineCounters[at].name) return totals.engine[at];
  FAIL("no counter " << name);
  return 0;
}

inline const Device* open_tap_up(Dataplane& dataplane, uint16_t port, uint16_t mtu_bytes = 1500) {
  const auto device = dataplane.open(tap_spec(port, mtu_bytes));
  INFO(device.error.call << " " << device.error.about << " " << device.error.number);
  REQUIRE(device.ok());
  disable_link_ipv6("tap" + std::to_string(port));
  set_link_up("tap" + std::to_string(port));
  return device.value;
}

}  // namespace dvr::test
