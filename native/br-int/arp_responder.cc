// Answers ARP requests and neighbour solicitations for every address the controller knows.
//
// Comes from anti_spoof (VMs) or classify (routers); a known target is answered to the port that asked, a router
// solicitation goes to ra_responder, everything else to find_router. Before seed step EW1, and what keeps the
// shared gateway MAC out of every other node: nobody elsewhere is ever asked. RFC 826, RFC 4861 section 7.2,
// RFC 5227. Reads neighbours, ports and switch.
// What a VM announces unasked (gratuitous ARP, an unsolicited advertisement) goes on to everybody; where the address
// may move between ports (VRRP), or no port is known to have it, the agent is told as well. A VRRP master that gets
// its address back from one that saw it first need not announce it: then its advertisements tell (RFC 5798).
// An unknown target floods from VMs (an address nobody told the controller about may still answer), never
// from a router: its question would carry the shared MAC to every node.
#include "br-int/br_int.hpp"
#include "packet/arp.hpp"
#include "packet/ipv4.hpp"
#include "packet/neighbour_discovery.hpp"
#include "packet/vrrp.hpp"
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

// Told while the address leads anywhere else, one for each advertisement; the next one tells of the next.
void advertised(const Packet& packet, const MacAddr& src, const VrrpView& vrrp, const Tables& tables, Effects& effects) {
  if (vrrp.resigns() || !from_vm(packet, tables)) return;
  for (size_t at = 0; at < vrrp.address_count(); ++at) {
    const IpAddr ip = vrrp.address(at);
    const auto* row = tables.find<NeighbourRow>({packet.local_vlan, ip});
    if (row == nullptr || !row->movable) continue;
    const MacAddr mac = row->mac == vrrp.virtual_mac() ? row->mac : src;
    const auto* there = tables.find<SwitchRow>({packet.local_vlan, mac});
    if (row->mac == mac && there != nullptr && there->port == packet.in_port) continue;
    effects.announce = {true, ip, mac};
    return;
  }
}

StageId hear_ipv4(const Packet& packet, const EthernetView& ethernet, const Tables& tables, Effects& effects) {
  const uint8_t* protocol = Cursor(packet.frame, kEthernetBytes + 9).take(1);
  if (protocol == nullptr || *protocol != kProtocolVrrp) return StageId::find_router;
  const auto ip = Ipv4View::of(packet.frame);
  if (!ip || ip->ttl() != 255 || ip->is_fragment()) return StageId::find_router;
  const auto vrrp = VrrpView::of(packet.frame, kEthernetBytes + ip->header_bytes(), false);
  if (vrrp) advertised(packet, ethernet.src(), *vrrp, tables, effects);
  return StageId::find_router;
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
  if (upper->protocol == kProtocolVrrp)
    if (const auto vrrp = VrrpView::of(ip->packet(), upper->offset, true))
      advertised(packet, ethernet.src(), *vrrp, tables, effects);
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
    case kEtherTypeIpv4: return hear_ipv4(packet, *ethernet, tables, effects);
    case kEtherTypeIpv6: return answer_solicitation(packet, *ethernet, tables, effects);
    default: return StageId::find_router;
  }
}

}  // namespace dvr::br_int
