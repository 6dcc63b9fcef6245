// Switches a frame of an external network by its destination MAC: to one of this node's own devices, or to the wire.
//
// Comes from provider_in; goes to a `qg-` or `fg-` device, to ex_flood (broadcast, multicast) or to provider_out.
// Reads ex_switch, ports.
// What the wire sends to others than us is none of our business: a shared device shows us all of it.
#include "br-ex/br_ex.hpp"
#include "packet/ethernet.hpp"
#include "tables/tables.hpp"

namespace dvr::br_ex {

StageId ex_switch(Packet& packet, const Tables& tables, Effects&) {
  const auto ethernet = EthernetView::of(packet.frame);
  if (!ethernet) return drop(packet, DropReason::truncated);
  const MacAddr dst = ethernet->dst();
  if (dst.is_group()) return StageId::ex_flood;

  if (const auto* row = tables.find<ExSwitchRow>({packet.local_vlan, dst})) {
    if (row->port == packet.in_port) return drop(packet, DropReason::back_to_sender);
    return output_to(packet, row->port);
  }
  if (is_from_wire(packet, tables)) return drop(packet, DropReason::not_for_us);
  return StageId::provider_out;
}

}  // namespace dvr::br_ex
