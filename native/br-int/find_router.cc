// Finds the router that a frame is addressed to, and whether this node may hand the frame to it.
//
// Comes from arp_responder, or from classify for another node's VM; a frame for a router MAC goes to route,
// any other to switch. Seed steps EW1 and NS1 ("the integration bridge forwards it to DVR router r1"), and NS4:
// what the router redirects to its own MAC is for the outside. Reads router_macs, ports, snat_gateways.
// Routing is always the sender's node's work: from the tunnel nothing may reach a router. What comes out of a
// router's namespace is routed by a namespace again, so that the fast path never takes over half-way.
#include "br-int/br_int.hpp"
#include "packet/ethernet.hpp"
#include "tables/tables.hpp"

namespace dvr::br_int {
namespace {

bool from_vm(const Packet& packet, const Tables& tables) {
  const auto* port = tables.find<PortRow>({packet.in_port});
  return port != nullptr && port->kind == PortKind::vm;
}

// The router sends to its own gateway MAC: out, by the node that does its source NAT.
StageId towards_snat(Packet& packet, const EthernetView& ethernet, const Tables& tables) {
  if (ethernet.src() != ethernet.dst()) return drop(packet, DropReason::back_to_sender);
  const auto* gateway = tables.find<SnatGatewayRow>({packet.local_vlan, ethernet.dst()});
  if (gateway == nullptr) return drop(packet, DropReason::no_snat_node);
  if (gateway->is_here()) return drop(packet, DropReason::snat_loop);
  return StageId::switch_;
}

}  // namespace

StageId find_router(Packet& packet, const Tables& tables, Effects&) {
  const auto ethernet = EthernetView::of(packet.frame);
  if (!ethernet) return drop(packet, DropReason::truncated);
  const auto* row = tables.find<RouterMacRow>({packet.local_vlan, ethernet->dst()});
  if (row == nullptr) return StageId::switch_;

  if (packet.from_tunnel()) return drop(packet, DropReason::to_router_from_tunnel);
  if (row->namespace_port == kNoPort) return drop(packet, DropReason::router_not_here);
  if (row->namespace_port == packet.in_port) return towards_snat(packet, *ethernet, tables);
  packet.namespace_port = row->namespace_port;
  if (from_vm(packet, tables)) packet.router = row->router;
  return StageId::route;
}

}  // namespace dvr::br_int
