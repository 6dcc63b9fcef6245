// What a worker counts: one writer (the worker), read at any time by JS.
//
// Proof: each number is an atomic of its own, so a reader never sees half a number. Only its worker
// writes it, so load + store instead of an atomic add loses nothing. Relaxed order is enough, because no
// reader concludes anything about other memory from a count: two counts read together may be a packet
// apart, and that is all that can be seen.
#pragma once

#include <atomic>
#include <cstdint>
#include <iterator>

#include "base/drop_reason.hpp"
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

// What each optimisation has done: it is on when its number grows. The names are those of `engine` in Counters
// of src/dataplane/interface.ts; kEngineNames below is the one list.
struct EngineCount {
  Count wake_ups;            // sleeps that ended
  Count passes;              // turns of the loop that served something
  Count spins;               // looks without sleeping that found nothing
  Count spins_found_work;    // passes that came after such a look: each is a sleep and a wake-up less
  Count sends;               // system calls that sent to the tunnel
  Count trains;              // sends of more than one packet
  Count train_packets;       // packets in them
  Count longest_train;       // packets
  Count trains_refused;      // source ports that send packet by packet since the kernel refused a train (EIO)
  Count super_frames_in;     // TSO and USO frames that TAPs gave
  Count segments_cut;        // VXLAN packets that those to the tunnel were cut into
  Count runs;                // super-frames written to TAPs that were joined here
  Count run_packets;         // packets in them
  Count run_bytes;           // bytes of the super-frames
  Count longest_run;         // packets
};

struct EngineName {
  const char* name;
  Count EngineCount::*count;
  bool is_maximum = false;  // of all workers, where others are sums
};
inline constexpr EngineName kEngineNames[] = {
    {"wakeUps", &EngineCount::wake_ups},
    {"passes", &EngineCount::passes},
    {"spins", &EngineCount::spins},
    {"spinsFoundWork", &EngineCount::spins_found_work},
    {"sends", &EngineCount::sends},
    {"trains", &EngineCount::trains},
    {"trainPackets", &EngineCount::train_packets},
    {"longestTrain", &EngineCount::longest_train, true},
    {"trainsRefused", &EngineCount::trains_refused},
    {"superFramesIn", &EngineCount::super_frames_in},
    {"segmentsCut", &EngineCount::segments_cut},
    {"runs", &EngineCount::runs},
    {"runPackets", &EngineCount::run_packets},
    {"runBytes", &EngineCount::run_bytes},
    {"longestRun", &EngineCount::longest_run, true},
};
inline constexpr size_t kEngineCounts = std::size(kEngineNames);

// Stages and the two verdicts: what an edge can lead to.
inline constexpr size_t kEdgeTargets = kStageCount + 2;

struct Counters {
  Count stages[kStageCount];
  Count edges[kStageCount][kEdgeTargets];
  Count drops[kDropReasonCount];
  PortCount ports[kPortLimit];
  EngineCount engine;

  void dropped(DropReason reason, size_t packets = 1) { drops[static_cast<size_t>(reason)].add(packets); }
};

}  // namespace dvr
