// What the workers are connected to: the device of each port, which bridges are being looked at, what is
// traced. One immutable version at a time, published like the tables; the JS side makes the next one.
// A device lives as long as some version names it, so its descriptor never closes under a worker's hands.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "io/device.hpp"
#include "tables/published.hpp"
#include "tables/tables.hpp"

namespace dvr {

// What a traced packet contains: random bytes that nothing else on the network carries.
using TraceMarker = std::array<uint8_t, 16>;

// Which bridges' devices somebody listens on.
struct Mirrors {
  bool br_int = false, br_tun = false, br_ex = false;
  friend bool operator==(const Mirrors&, const Mirrors&) = default;
};

struct Wiring {
  std::vector<std::shared_ptr<const Device>> devices{kPortLimit};  // by port
  Mirrors mirrors;
  std::optional<TraceMarker> marker;

  const Device* device(PortId port) const {
    return port.value < devices.size() ? devices[port.value].get() : nullptr;
  }
};

// All that is published to the workers.
struct Versions {
  explicit Versions(size_t workers)
      : epochs(workers),
        tables(epochs, std::make_unique<const Tables>()),
        wiring(epochs, std::make_unique<const Wiring>()) {}

  Epochs epochs;
  Published<Tables> tables;
  Published<Wiring> wiring;
};

}  // namespace dvr
