// Where a packet enters the pipeline: by what came in, the tunnel, a port of br-int or one of br-ex.
#pragma once

#include "pipeline/pipeline.hpp"
#include "tables/tables.hpp"

namespace dvr {

inline StageId entry_of(PortId in_port, const Tables& tables) {
  if (in_port == kTunnelPort) return StageId::vxlan_decap;
  const auto* port = tables.find<PortRow>({in_port});
  return port != nullptr && is_of_br_ex(port->kind) ? StageId::provider_in : StageId::classify;
}

}  // namespace dvr
