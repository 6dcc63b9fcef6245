// What the workers are connected to: the device of each port, which bridges are being looked at, what is
// traced. One immutable version at a time, published like the tables; the JS side makes the next one.
// A device lives as long as some version names it, so its descriptor never closes under a worker's hands.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/clock.hpp"
#include "io/device.hpp"
#include "tables/published.hpp"
#include "tables/tables.hpp"

namespace dvr {

// What a traced packet contains: random bytes that nothing else on the network carries.
using TraceMarker = std::array<uint8_t, 16>;
inline constexpr size_t kMarkerWithinBytes = 512;  // of the frame

// Which bridges' devices somebody listens on.
struct Mirrors {
  bool br_int = false, br_tun = false, br_ex = false;
  bool any() const { return br_int || br_tun || br_ex; }
  friend bool operator==(const Mirrors&, const Mirrors&) = default;
};

struct Wiring {
  std::vector<std::shared_ptr<const Device>> devices{kPortLimit};  // by port
  // By port, for those that are gated: the first moment of the coarse clock at which nothing passes any more;
  // 0: nothing passes (gates.hpp).
  std::vector<uint64_t> gates_shut_at_ns = std::vector<uint64_t>(kPortLimit);
  Mirrors mirrors;
  std::optional<TraceMarker> marker;

  const Device* device(PortId port) const {
    return port.value < devices.size() ? devices[port.value].get() : nullptr;
  }

  bool is_traced(std::span<const uint8_t> frame) const {
    const size_t bytes = std::min(frame.size(), kMarkerWithinBytes);
    return marker && memmem(frame.data(), bytes, marker->data(), marker->size()) != nullptr;
  }

  // Packets may pass the device now, in and out. Asked for each packet, before its own system call: a worker that
  // was stopped between two of them finds the gate shut when it goes on. A device without a gate costs a branch.
  bool is_open(const Device& device) const {
    return !device.spec.gated || monotonic_coarse_ns() < gates_shut_at_ns[device.spec.port.value];
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
