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
  return bridge == Bridge::br_int ? "br-int" : bridge == Bridge::br_tun ? "br-tun" : "none";
}

}  // namespace dvr
