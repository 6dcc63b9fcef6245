// Gives a broadcast or multicast to every local port of the network but the one it came from.
//
// Comes from switch; a VM's frame goes on to br-tun's dvr_process for the other nodes, the tunnel's and a
// router's end here. Reads flood, ports; asks for copies.
// A router's broadcast stays on its node: every node has a copy of the router that says the same. For the
// same reason the tunnel's broadcasts reach no router: the sender's own copy has it, and every other copy
// would only answer it once more.
#include "br-int/br_int.hpp"
#include "tables/tables.hpp"

namespace dvr::br_int {

StageId flood(Packet& packet, const Tables& tables, Effects& effects) {
  if (packet.from_tunnel()) {
    effects.copy_to = tables.flood_vm_ports(packet.local_vlan);
    return output_to(packet, kNoPort);
  }
  effects.copy_to = tables.flood_ports(packet.local_vlan);
  const auto* port = tables.find<PortRow>({packet.in_port});
  if (port == nullptr || port->kind == PortKind::router) return output_to(packet, kNoPort);
  return StageId::dvr_process;
}

}  // namespace dvr::br_int
