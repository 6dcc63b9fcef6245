// An exact-match cache in front of the pipeline: what the stages made of the last packet of a flow is made of the
// next one without asking them. One per worker; nothing here is read or written by another thread.
//
//                    ╭── known, same version of the tables, no new size ──▶ the same way and the same edits ──╮
//   read_arrived ────┤                                                                                        ├─▶ verdict
//                    ╰── else ─▶ pipeline ─▶ remembered, where it was put out and no effect was asked for ────╯
//
// It knows nothing of what stages do, only what a stage is (stage.hpp): a pure function of a packet and the tables.
// All that a stage may read of a packet that is known here is in its key (flow_key.hpp), but its size, and that
// matters through limits alone: what is neither below nor above a limit at two sizes is not so at any size between.
// So an entry keeps the sizes between which its way is sure, and a packet beyond them asks the stages.
// What is dropped, copied or told of is never remembered.
// Before: the worker. Next: deliver.hpp, as after the pipeline.
#pragma once

#include <memory>

#include "pipeline/flow_key.hpp"
#include "pipeline/runner.hpp"
#include "tables/tables.hpp"

namespace dvr {

// A worker's flows at a time, one at each place: another one that has the same place takes it, and the first asks the
// stages again. 512 KiB a worker, of which the flows that send are in the processor's own caches.
inline constexpr size_t kFlowCacheEntries = 2048;

// How many ways lead from a stage, or from all of them, to an output.
constexpr size_t ways_from(StageId stage) {
  const uint32_t next = kPipeline[static_cast<size_t>(stage)].next;
  size_t ways = (next & bit(StageId::output)) != 0 ? 1 : 0;
  for (const PipelineRow& row : kPipeline)
    if ((next & bit(row.id)) != 0) ways += ways_from(row.id);
  return ways;
}
constexpr size_t ways_in_all() {
  size_t ways = 0;
  for (const PipelineRow& row : kPipeline) ways += ways_from(row.id);
  return ways;
}

class FlowCache {
 public:
  // As run_pipeline, with the same verdict, packet and effects; `policy` looks on only where the stages are asked.
  template <class Policy>
  StageId run(StageId entry, Packet& packet, const Tables& tables, Effects& effects, Policy& policy);

  // Calls passed(stage, next, packets) for every edge that packets have taken here since the last call, past the
  // stages, and answers how many packets these were.
  template <class Passed>
  uint64_t settle(Passed&& passed);

 private:
  struct alignas(64) Entry {
    FlowKey key;
    uint64_t version = 0;                          // of the tables
    uint32_t least_bytes = 0, greatest_bytes = 0;  // Arrived::wire_bytes
    uint16_t way = 0;                              // its place in ways_
    uint16_t checksum_change = 0;                  // of the IPv4 header
    uint64_t vxlan = 0;                            // goes in front of the frame where it is encapsulated
    FlowBytes header{};                            // as it left the stages
    Packet made;                                   // all metadata; the bytes are each packet's own
  };
  static_assert(sizeof(Entry) == 256);

  static constexpr int kHashBitsUnused = 64 - std::countr_zero(kFlowCacheEntries);

  // The stages that a packet passed, as bits: edges lead forward, so these are the edges, too.
  struct Way {
    uint32_t stages = 0;
    uint64_t packets = 0;  // that took it here and are not settled yet
  };

  Entry& place_of(const FlowKey& key) { return entries_[key.hash() >> kHashBitsUnused]; }
  bool replay(const Arrived& arrived, uint64_t version, Packet& packet);
  void remember(const Arrived& arrived, const Packet& before, uint64_t version, uint32_t stages,
                const Packet& packet);
  uint16_t place_of_way(uint32_t stages);

  std::unique_ptr<Entry[]> entries_ = std::make_unique<Entry[]>(kFlowCacheEntries);
  std::array<Way, ways_in_all()> ways_{};  // those that some packet took first
  size_t way_count_ = 0;
};

namespace detail {

// Looks on for another policy, and notes the way.
template <class Policy>
struct WayNoted {
  Policy& policy;
  uint32_t stages = 0;

  void enter(StageId stage, const Packet& packet, const Effects& effects) {
    stages |= bit(stage);
    policy.enter(stage, packet, effects);
  }
  void leave(StageId stage, StageId next, const Packet& packet, const Effects& effects) {
    policy.leave(stage, next, packet, effects);
  }
  void leaves_bridge(Bridge bridge, const Packet& packet) { policy.leaves_bridge(bridge, packet); }
};

}  // namespace detail

template <class Policy>
StageId FlowCache::run(StageId entry, Packet& packet, const Tables& tables, Effects& effects, Policy& policy) {
  const auto arrived = read_arrived(packet, entry);
  if (arrived && replay(*arrived, tables.version, packet)) return StageId::output;
  const Packet before = packet;
  detail::WayNoted<Policy> noted{policy};
  const StageId verdict = run_pipeline(entry, packet, tables, effects, noted);
  if (arrived && verdict == StageId::output && !effects.any())
    remember(*arrived, before, tables.version, noted.stages, packet);
  return verdict;
}

template <class Passed>
uint64_t FlowCache::settle(Passed&& passed) {
  uint64_t packets = 0;
  for (Way& way : std::span(ways_).first(way_count_)) {
    if (way.packets == 0) continue;
    for (uint32_t rest = way.stages; rest != 0;) {
      const auto stage = static_cast<StageId>(std::countr_zero(rest));
      rest &= rest - 1;
      passed(stage, rest == 0 ? StageId::output : static_cast<StageId>(std::countr_zero(rest)), way.packets);
    }
    packets += std::exchange(way.packets, 0);
  }
  return packets;
}

}  // namespace dvr
