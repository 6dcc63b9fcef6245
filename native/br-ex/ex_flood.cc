// Gives a broadcast or multicast of an external network to this node's devices in it, but the one it came from.
//
// Comes from ex_switch; what a namespace sent goes on to provider_out, what came from the wire ends here. Reads
// ex_flood, ports; asks for copies.
#include "br-ex/br_ex.hpp"
#include "tables/tables.hpp"

namespace dvr::br_ex {

StageId ex_flood(Packet& packet, const Tables& tables, Effects& effects) {
  effects.copy_to = tables.ex_flood_ports(packet.local_vlan);
  if (is_from_wire(packet, tables)) return output_to(packet, kNoPort);
  return StageId::provider_out;
}

}  // namespace dvr::br_ex
