// Switches a frame by its destination MAC: to a local port, to flood, or towards the tunnel bridge.
//
// Comes from find_router, or from route with what the fast path has routed; goes to a VM's port, to flood
// (broadcast, multicast) or to br-tun's dvr_process. Seed step EW4 ("switches the frame towards the tunnel
// bridge, tagged with green's local VLAN") and switching between local VMs of one subnet. Reads switch.
// Split horizon: what came in by the tunnel never leaves by it.
#include "br-int/br_int.hpp"
#include "packet/ethernet.hpp"
#include "tables/tables.hpp"

namespace dvr::br_int {

StageId switch_(Packet& packet, const Tables& tables, Effects&) {
  const auto ethernet = EthernetView::of(packet.frame);
  if (!ethernet) return drop(packet, DropReason::truncated);
  const MacAddr dst = ethernet->dst();
  if (dst.is_group()) return StageId::flood;

  if (const auto* row = tables.find<SwitchRow>({packet.local_vlan, dst})) {
    if (row->port == packet.in_port) return drop(packet, DropReason::back_to_sender);
    return output_to(packet, row->port);
  }
  if (packet.from_tunnel()) return drop(packet, DropReason::split_horizon);
  return StageId::dvr_process;
}

}  // namespace dvr::br_int
