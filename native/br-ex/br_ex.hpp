// The stages of the bridge to the provider's wire, in packet order. Each is described at the top of its own file.
//
//   wire (uplink) ─ provider_in ─ ex_switch ─ ex_flood ─ provider_out ─ wire
//   qg-, fg- ───────────┘             └─▶ qg-, fg-
//
// br-ex learns nothing: what is not the MAC of one of this node's own devices is on the wire.
#pragma once

#include "stage/stage.hpp"

namespace dvr::br_ex {

StageId provider_in(Packet&, const Tables&, Effects&);
StageId ex_switch(Packet&, const Tables&, Effects&);
StageId ex_flood(Packet&, const Tables&, Effects&);
StageId provider_out(Packet&, const Tables&, Effects&);

// The frame came from the provider, who is not trusted.
bool is_from_wire(const Packet&, const Tables&);

}  // namespace dvr::br_ex
