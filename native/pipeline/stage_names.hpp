// The name of a stage or verdict: the same word in files, counters, trace and documents.
#pragma once

#include "pipeline/pipeline.hpp"

namespace dvr {

constexpr const char* stage_name(StageId id) {
  if (id == StageId::output) return "output";
  if (id == StageId::drop) return "drop";
  return kPipeline[static_cast<size_t>(id)].name;
}

constexpr const char* bridge_name(Bridge bridge) {
  switch (bridge) {
    case Bridge::br_int: return "br-int";
    case Bridge::br_tun: return "br-tun";
    case Bridge::router: return "router";
    case Bridge::br_ex: return "br-ex";
    case Bridge::none: break;
  }
  return "none";
}

}  // namespace dvr
