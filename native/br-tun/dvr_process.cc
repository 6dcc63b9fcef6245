// Replaces a router MAC as source by this node's DVR unique MAC, and lets no frame to a router MAC out but what a
// router sends to its own MAC: that is for the node that does its source NAT.
//
// Comes from br-int's switch or flood; goes to ucast_to_tun. Seed step EW5 ("replaces the source MAC by the
// DVR unique MAC of its node") and NS5. Reads router_macs (every one of the network), snat_gateways and
// dvr_macs (our own).
// It exists because a router has the same interface MACs on every node: seen from the wire one MAC would
// live everywhere at once, and no switch, tunnel or learning VTEP could tell where a frame came from.
#include "br-tun/br_tun.hpp"
#include "packet/ethernet.hpp"
#include "tables/tables.hpp"

namespace dvr::br_tun {
namespace {

// Of this node's own router copy; find_router has seen to that.
bool is_towards_snat(const Packet& packet, const EthernetView& ethernet, const Tables& tables) {
  if (ethernet.src() != ethernet.dst() || packet.from_tunnel()) return false;
  const auto* gateway = tables.find<SnatGatewayRow>({packet.local_vlan, ethernet.dst()});
  return gateway != nullptr && !gateway->is_here();
}

}  // namespace

StageId dvr_process(Packet& packet, const Tables& tables, Effects&) {
  auto ethernet = EthernetView::of(packet.frame);
  if (!ethernet) return drop(packet, DropReason::truncated);
  const auto is_router = [&](const MacAddr& mac) {
    return tables.find<RouterMacRow>({packet.local_vlan, mac}) != nullptr;
  };
  if (is_router(ethernet->dst()) && !is_towards_snat(packet, *ethernet, tables))
    return drop(packet, DropReason::router_mac_to_wire);
  if (is_router(ethernet->src())) {
    if (tables.own_dvr_mac.is_zero()) return drop(packet, DropReason::no_dvr_mac);
    ethernet->set_src(tables.own_dvr_mac);
  }
  return StageId::ucast_to_tun;
}

}  // namespace dvr::br_tun
