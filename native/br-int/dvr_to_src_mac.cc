// Turns the source of a frame that another node's router routed back into the gateway MAC, and delivers it.
//
// Comes from classify (source is another node's DVR MAC); goes to the VM's port. Seed step EW7 ("replaces it
// by r1-green-mac, and forwards the frame to vm2"), and NS7: on the node that does a router's source NAT also
// to the router itself. Reads dvr_to_src_mac, router_macs, snat_gateways.
// The VM must see its own gateway as sender, exactly as if its local router copy had sent the frame.
// From a DVR MAC only unicast to a known local port is accepted: never a flood, never a learned location. A
// router is one only where this node does its source NAT: all other routing is the sender's node's work.
#include "br-int/br_int.hpp"
#include "packet/ipv4.hpp"
#include "packet/ipv6.hpp"
#include "tables/tables.hpp"

namespace dvr::br_int {
namespace {

IpAddr destination_ip(std::span<uint8_t> frame, uint16_t ether_type) {
  if (ether_type == kEtherTypeIpv4) {
    if (const auto ip = Ipv4View::of(frame)) return ip->dst();
  } else if (ether_type == kEtherTypeIpv6) {
    if (const auto ip = Ipv6View::of(frame)) return ip->dst();
  }
  return {};
}

// NS7: "replaces it by red's gateway interface MAC, and forwards the frame to the router namespace".
StageId to_router(Packet& packet, EthernetView& ethernet, PortId namespace_port, const Tables& tables) {
  const auto* gateway = tables.find<SnatGatewayRow>({packet.local_vlan, ethernet.dst()});
  const bool is_here = gateway != nullptr && gateway->is_here() && namespace_port != kNoPort;
  if (!is_here) return drop(packet, DropReason::no_snat_here);
  ethernet.set_src(ethernet.dst());
  return output_to(packet, namespace_port);
}

}  // namespace

StageId dvr_to_src_mac(Packet& packet, const Tables& tables, Effects&) {
  auto ethernet = EthernetView::of(packet.frame);
  if (!ethernet) return drop(packet, DropReason::truncated);
  const MacAddr dst = ethernet->dst();

  // One network may have several routed subnets with a gateway MAC each: the address decides, then the MAC.
  const IpAddr ip = destination_ip(packet.frame, ethernet->ether_type());
  const auto* row = tables.find<DvrToSrcMacRow>({packet.local_vlan, dst, ip});
  if (row == nullptr) row = tables.find<DvrToSrcMacRow>({packet.local_vlan, dst, {}});
  if (row == nullptr) {
    if (const auto* router = tables.find<RouterMacRow>({packet.local_vlan, dst}))
      return to_router(packet, *ethernet, router->namespace_port, tables);
    return drop(packet, DropReason::dvr_mac_not_to_local_port);
  }

  ethernet->set_src(row->gateway_mac);
  return output_to(packet, row->port);
}

}  // namespace dvr::br_int
