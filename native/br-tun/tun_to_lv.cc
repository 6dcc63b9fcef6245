// Strips the VNI and adds this node's own local VLAN for the network.
//
// Comes from vxlan_decap; goes to br-int's classify. Seed step EW6 ("strips the green VNI, adds CN2's own
// local VLAN for green, hands the frame to the integration bridge"). Reads tun_to_lv, vteps, flood_to_tun.
// A foreign VTEP speaks only in the networks it was made a member of: there, and only there, it also gets
// the broadcasts. Nodes of this cloud route into every network, so they may speak in all of them.
#include "br-tun/br_tun.hpp"
#include "tables/tables.hpp"

namespace dvr::br_tun {

StageId tun_to_lv(Packet& packet, const Tables& tables, Effects&) {
  const auto* row = tables.find<TunToLvRow>({packet.vni});
  if (row == nullptr) return drop(packet, DropReason::unknown_vni);
  const auto* vtep = tables.find<VtepRow>({packet.outer.vtep});
  const bool is_member = tables.find<FloodToTunRow>({row->local_vlan, packet.outer.vtep}) != nullptr;
  if (vtep != nullptr && vtep->interop && !is_member) return drop(packet, DropReason::vtep_not_of_network);
  packet.local_vlan = row->local_vlan;
  packet.vni = {};
  return StageId::classify;
}

}  // namespace dvr::br_tun
