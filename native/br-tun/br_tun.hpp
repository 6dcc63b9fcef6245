// The tunnel bridge's stages, in packet order: two on the way in, four on the way out. Each is
// described at the top of its own file.
#pragma once

#include "stage/stage.hpp"

namespace dvr::br_tun {

StageId vxlan_decap(Packet&, const Tables&, Effects&);
StageId tun_to_lv(Packet&, const Tables&, Effects&);

StageId dvr_process(Packet&, const Tables&, Effects&);
StageId ucast_to_tun(Packet&, const Tables&, Effects&);
StageId flood_to_tun(Packet&, const Tables&, Effects&);
StageId vxlan_encap(Packet&, const Tables&, Effects&);

}  // namespace dvr::br_tun
