// Strips the VNI and adds this node's own local VLAN for the network.
//
// Comes from vxlan_decap; goes to br-int's classify. Seed step EW6 ("strips the green VNI, adds CN2's own
// local VLAN for green, hands the frame to the integration bridge"). Reads tun_to_lv.
#include "br-tun/br_tun.hpp"
#include "tables/tables.hpp"

namespace dvr::br_tun {

StageId tun_to_lv(Packet& packet, const Tables& tables, Effects&) {
  const auto* row = tables.find<TunToLvRow>({packet.vni});
  if (row == nullptr) return drop(packet, DropReason::unknown_vni);
  packet.local_vlan = row->local_vlan;
  packet.vni = {};
  return StageId::classify;
}

}  // namespace dvr::br_tun
