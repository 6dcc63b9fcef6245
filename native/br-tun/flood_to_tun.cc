// Head-end replication: one copy of a broadcast for every other node that has a port of the network.
//
// Comes from ucast_to_tun; goes to vxlan_encap, or ends where no other node has a port of the network.
// Reads flood_to_tun; asks for one copy a VTEP (RFC 7348 section 4.2 by unicast instead of multicast).
#include "br-tun/br_tun.hpp"
#include "tables/tables.hpp"

namespace dvr::br_tun {

StageId flood_to_tun(Packet& packet, const Tables& tables, Effects& effects) {
  packet.out_port = kNoPort;
  const auto vteps = tables.flood_vteps(packet.local_vlan);
  if (vteps.empty()) return StageId::output;
  effects.copy_to_vteps = vteps;
  return StageId::vxlan_encap;
}

}  // namespace dvr::br_tun
