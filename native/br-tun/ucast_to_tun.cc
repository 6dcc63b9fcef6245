// Finds the node that has the destination MAC; of a gateway MAC, the node that does that router's source NAT.
//
// Comes from dvr_process; goes to vxlan_encap, broadcast and multicast to flood_to_tun. Seed step EW5
// ("tunnels the frame ... to CN2") and NS5 ("to the Network Node"); the rows are the seed's L2 population.
// Reads ucast_to_tun, snat_gateways.
// Unknown unicast is dropped, never flooded: the controller knows every MAC, so one it does not know is
// gone, and flooding it would show one tenant's frames to every port of the network.
#include "br-tun/br_tun.hpp"
#include "packet/ethernet.hpp"
#include "tables/tables.hpp"

namespace dvr::br_tun {
namespace {

// Any: nobody's.
IpAddr vtep_of(const RouterMacRow::Key& mac, const Tables& tables) {
  if (const auto* row = tables.find<UcastToTunRow>(mac)) return row->vtep;
  const auto* gateway = tables.find<SnatGatewayRow>(mac);
  return gateway == nullptr ? IpAddr{} : gateway->vtep;
}

}  // namespace

StageId ucast_to_tun(Packet& packet, const Tables& tables, Effects&) {
  const auto ethernet = EthernetView::of(packet.frame);
  if (!ethernet) return drop(packet, DropReason::truncated);
  if (ethernet->dst().is_group()) return StageId::flood_to_tun;

  const IpAddr vtep = vtep_of({packet.local_vlan, ethernet->dst()}, tables);
  if (vtep.is_any()) return drop(packet, DropReason::unknown_unicast);
  packet.outer.vtep = vtep;
  packet.out_port = kTunnelPort;
  return StageId::vxlan_encap;
}

}  // namespace dvr::br_tun
