// Runs one packet through the pipeline: the table of pipeline.hpp, unrolled at compile time, so that every
// stage is a direct call in packet order and a packet only ever falls downwards through it.
//
// Forwarding, trace, tests and fuzzing all run this; they differ in the policy that looks on:
//   enter(stage, packet, effects)         before a stage
//   leave(stage, next, packet, effects)   after it, with the stage or verdict it named
//   leaves_bridge(bridge, packet)         the frame goes from one bridge to another or out: what the
//                                         devices br-int and br-tun show
#pragma once

#include "pipeline/pipeline.hpp"

namespace dvr {

namespace detail {

template <size_t Index, class Policy>
[[gnu::always_inline]] inline void pass_stages(StageId& at, Packet& packet, const Tables& tables,
                                               Effects& effects, Policy& policy) {
  if constexpr (Index < kPipeline.size()) {
    constexpr const PipelineRow& row = kPipeline[Index];
    if (at == row.id) {
      policy.enter(row.id, packet, effects);
      at = row.function(packet, tables, effects);
      policy.leave(row.id, at, packet, effects);
      if (at != StageId::drop && home_of(at) != row.bridge) policy.leaves_bridge(row.bridge, packet);
    }
    pass_stages<Index + 1>(at, packet, tables, effects, policy);
  }
}

}  // namespace detail

// From `entry` (entry.hpp) to a verdict: StageId::output or StageId::drop.
template <class Policy>
StageId run_pipeline(StageId entry, Packet& packet, const Tables& tables, Effects& effects, Policy& policy) {
  StageId at = entry;
  detail::pass_stages<0>(at, packet, tables, effects, policy);
  return at;
}

}  // namespace dvr
