// Sends a frame out by the uplink of its external network, with the provider's VLAN where that has one.
//
// Comes from ex_switch or ex_flood; goes to output. Reads provider_out.
// The tag is put in when the frame is written, because copies of a broadcast to this node's own devices have none.
#include "br-ex/br_ex.hpp"
#include "tables/tables.hpp"

namespace dvr::br_ex {

StageId provider_out(Packet& packet, const Tables& tables, Effects&) {
  const auto* wire = tables.find<ProviderOutRow>({packet.local_vlan});
  if (wire == nullptr) return drop(packet, DropReason::no_uplink);
  if (wire->port == packet.in_port) return drop(packet, DropReason::back_to_sender);
  packet.provider_vlan = wire->vlan;
  packet.on_wire = true;
  return output_to(packet, wire->port);
}

}  // namespace dvr::br_ex
