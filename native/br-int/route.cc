// Hands a frame addressed to a router MAC to that router's namespace on this node.
//
// Comes from arp_responder, or from classify for another node's VM; goes to the router's port, everything
// not for a router goes to switch. Seed step EW1 ("the integration bridge forwards it to DVR router r1").
// Reads route. Its only row is "to the namespace".
// Routing is always the sender's node's work: from the tunnel nothing may reach a router.
#include "br-int/br_int.hpp"
#include "packet/ethernet.hpp"
#include "tables/tables.hpp"

namespace dvr::br_int {

StageId route(Packet& packet, const Tables& tables, Effects&) {
  const auto ethernet = EthernetView::of(packet.frame);
  if (!ethernet) return drop(packet, DropReason::truncated);
  const auto* row = tables.find<RouteRow>({packet.local_vlan, ethernet->dst()});
  if (row == nullptr) return StageId::switch_;

  if (packet.from_tunnel()) return drop(packet, DropReason::to_router_from_tunnel);
  if (row->namespace_port == kNoPort) return drop(packet, DropReason::router_not_here);
  if (row->namespace_port == packet.in_port) return drop(packet, DropReason::back_to_sender);
  return output_to(packet, row->namespace_port);
}

}  // namespace dvr::br_int
