// Answers ARP requests and neighbour solicitations for every address the controller knows.
//
// Comes from anti_spoof (VMs) or classify (routers); a known target is answered to the port that asked, a router
// solicitation goes to ra_responder, everything else to find_router. Before seed step EW1, and what keeps the
// shared gateway MAC out of every other node: nobody elsewhere is ever asked. RFC 826, RFC 4861 section 7.2,
// RFC 5227. Reads neighbours and ports.
// What a VM announces unasked (gratuitous ARP, an unsolicited advertisement) goes on to everybody; where the address
// may move between ports (VRRP), or no port is known to have it, the agent is told as well.
// An unknown target floods from VMs (an address nobody told the controller about may still answer), never
// from a router: its question would carry the shared MAC to every node.
#include "br-int/br_int.hpp"
#include "packet/arp.hpp"
#include "packet/neighbour_discovery.hpp"
#include "tables/tables.hpp"

namespace dvr::br_int {
namespace {

bool from_router(const Packet& packet, const Tables& tables) {
  const auto* port = tables.find<PortRow>({packet.in_port});
  return port != nullptr && port->kind == PortKind::router;
}

StageId unknown_target(Packet& packet, const Tables& tables) {
  if (from_router(packet, tables)) return drop(packet, DropReason::unknown_target_from_router);
  return StageId::find_router;
}

bool from_vm(const Packet& packet, const Tables& tables) {
  const auto* port = tables.find<PortRow>({packet.in_port});
  return port != nullptr && port->kind == PortKind::vm;
}

void announced(const Packet& packet, const IpAddr& ip, const MacAddr& mac, const Tables& tables, Effects& effects) {
  if (ip.is_any() || !from_vm(packet, tables)) return;
  const auto* row = tables.find<NeighbourRow>({packet.local_vlan, ip});
  if (row == nullptr || row->movable) effects.announce = {true, ip, mac};
}

StageId answer_arp(Packet& packet, EthernetView ethernet, const Tables& tables, Effects& effects) {
  auto arp = ArpView::of(packet.frame);
  if (arp && arp->is_announcement() && !arp->is_probe())
    announced(packet, arp->sender_ip(), arp->sender_mac(), tables, effects);
  // An announcement asks nothing, and who asks for its own address (a probe) must hear nothing from us.
  if (!arp || arp->operation() != kArpRequest || arp->is_announcement()) return StageId::find_router;
  const auto* row = tables.find<NeighbourRow>({packet.local_vlan, arp->target_ip()});
  if (row == nullptr) return unknown_target(packet, tables);
  const MacAddr asker = ethernet.src();
  if (row->mac == asker) return StageId::find_router;
  arp->become_reply(row->mac);
  ethernet.set_dst(asker);
  ethernet.set_src(row->mac);
  return reply_to_in_port(packet);
}

StageId answer_solicitation(Packet& packet, const EthernetView& ethernet, const Tables& tables, Effects& effects) {
  const auto ip = Ipv6View::of(packet.frame);
  if (!ip || ip->hop_limit() != 255) return StageId::find_router;
  const auto upper = ip->upper_layer();
  if (!upper || upper->is_fragment) return StageId::find_router;
  const auto nd = NdView::of(ip->packet(), *upper);
  if (nd && nd->type() == kRouterSolicitation) return StageId::ra_responder;
  if (nd && nd->type() == kNeighbourAdvertisement && nd->has_target() && !nd->is_solicited())
    announced(packet, nd->target(), ethernet.src(), tables, effects);
  if (!nd || nd->type() != kNeighbourSolicitation || !nd->has_target()) return StageId::find_router;
  const auto* row = tables.find<NeighbourRow>({packet.local_vlan, nd->target()});
  if (row == nullptr) return unknown_target(packet, tables);
  const MacAddr asker = ethernet.src();
  if (row->mac == asker) return StageId::find_router;
  become_advertisement(packet, asker, ip->src(), nd->target(), row->mac, row->router);
  return reply_to_in_port(packet);
}

}  // namespace

StageId arp_responder(Packet& packet, const Tables& tables, Effects& effects) {
  const auto ethernet = EthernetView::of(packet.frame);
  if (!ethernet) return drop(packet, DropReason::truncated);
  switch (ethernet->ether_type()) {
    case kEtherTypeArp: return answer_arp(packet, *ethernet, tables, effects);
    case kEtherTypeIpv6: return answer_solicitation(packet, *ethernet, tables, effects);
    default: return StageId::find_router;
  }
}

}  // namespace dvr::br_int
