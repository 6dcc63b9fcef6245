// Gates: until when packets may pass the gated ports. Two network nodes have the same router ready, with the same
// addresses and MACs, and only its owner may be heard or spoken to: `sg-` and `qg-` of the router are gated, and
// whoever elects the owner holds the gates of this node open for as long as its lease is good.
//
// Why a deadline and not a switch. A switch must be turned by somebody, and it is when nobody is left to do it (the
// elector is killed, the agent hangs, this process's own JS loop stands still) that another node takes the addresses
// over. A deadline needs nobody: the workers look at the clock, and a gate that is not held again is shut.
//
// What `until` means. The workers ask the coarse clock, which is a tick behind at most, so a gate shuts up to a tick
// early and not late. It is asked right before each system call; the one packet that a worker has in hand then, when
// the kernel stops the worker, leaves when the worker goes on. Whoever takes over waits a little after the deadline.
//
// Deadlines are versions of the wiring like all that workers see, so epoch.hpp's proof answers "has everybody
// heard": when the old version is free, no packet is under way that passed by it.
// Before: node-api. Next: Wiring. Called by the control side's thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>

namespace dvr {

// Held open at one time: as many as there can be ports.
inline constexpr size_t kMaxGates = 4096;
// A lease is renewed several times a second; a deadline further away is no deadline but a mistake in the unit.
inline constexpr uint64_t kLongestHoldMs = 60'000;

struct GateHold {
  std::string name;       // of the device
  uint64_t until_ns = 0;  // CLOCK_MONOTONIC; what is past shuts it now
};

// By name and not by port: the elector may be back before the agent has handed a device back.
class Gates {
 public:
  // Replaces the deadlines, and forgets what is past. True: each is later than the one it replaces, so it takes
  // nothing away from a worker that has not heard of it yet.
  bool hold(std::span<const GateHold> holds, uint64_t now_ns);
  // For Wiring: the first moment of the coarse clock at which the gate is shut; 0: it is shut.
  uint64_t shut_at_ns(const std::string& name) const;
  // Held open.
  size_t count() const { return until_ns_.size(); }

 private:
  std::map<std::string, uint64_t> until_ns_;
};

}  // namespace dvr
