// What a worker counts: one writer (the worker), read at any time by JS.
//
// Proof: each number is an atomic of its own, so a reader never sees half a number. Only its worker
// writes it, so load + store instead of an atomic add loses nothing. Relaxed order is enough, because no
// reader concludes anything about other memory from a count: two counts read together may be a packet
// apart, stages and edges a pass of the worker, and that is all that can be seen.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/drop_reason.hpp"
#include "base/engine_counter.hpp"
#include "base/types.hpp"
#include "stage/stage.hpp"

namespace dvr {

class Count {
 public:
  void add(uint64_t more = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
  }
  void raise_to(uint64_t least) {
    if (value_.load(std::memory_order_relaxed) < least) value_.store(least, std::memory_order_relaxed);
  }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// A packet here is what passes the pipeline as one: a super-frame of a VM counts once, what was received in a
// train or leaves in a train or a run counts each, and each with its own headers.
struct PortCount {
  Count rx_packets, rx_bytes, tx_packets, tx_bytes;

  void received(size_t bytes) {
    rx_packets.add(1);
    rx_bytes.add(bytes);
  }
  void sent(size_t packets, size_t bytes) {
    tx_packets.add(packets);
    tx_bytes.add(bytes);
  }
};

struct EngineCount {
#define X(name, over_workers, sentence) Count name;
  DVR_ENGINE_COUNTERS(X)
#undef X
};

// In the order of kEngineCounters.
inline constexpr Count EngineCount::*kEngineCounts[] = {
#define X(name, over_workers, sentence) &EngineCount::name,
    DVR_ENGINE_COUNTERS(X)
#undef X
};

// Stages and the two verdicts: what an edge can lead to.
inline constexpr size_t kEdgeTargets = kStageCount + 2;

struct Counters {
  Count stages[kStageCount];
  Count edges[kStageCount][kEdgeTargets];
  Count drops[kDropReasonCount];
  PortCount ports[kPortLimit];
  EngineCount engine;

  void passed(StageId stage, StageId next, uint64_t packets = 1) {
    stages[static_cast<size_t>(stage)].add(packets);
    edges[static_cast<size_t>(stage)][static_cast<size_t>(next)].add(packets);
  }
  void dropped(DropReason reason, size_t packets = 1) { drops[static_cast<size_t>(reason)].add(packets); }
};

}  // namespace dvr
