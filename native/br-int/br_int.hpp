// The integration bridge's stages, in packet order. Each is described at the top of its own file.
#pragma once

#include "stage/stage.hpp"

namespace dvr::br_int {

StageId classify(Packet&, const Tables&, Effects&);
StageId dvr_to_src_mac(Packet&, const Tables&, Effects&);
StageId anti_spoof(Packet&, const Tables&, Effects&);
StageId arp_responder(Packet&, const Tables&, Effects&);
StageId ra_responder(Packet&, const Tables&, Effects&);
StageId find_router(Packet&, const Tables&, Effects&);
StageId switch_(Packet&, const Tables&, Effects&);
StageId flood(Packet&, const Tables&, Effects&);

}  // namespace dvr::br_int
