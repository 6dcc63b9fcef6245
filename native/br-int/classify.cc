// Decides what a frame is by where it came from: a VM, a router, or the tunnel with or without a DVR MAC.
//
// Comes from a port or from tun_to_lv; goes to anti_spoof (VM), arp_responder (a namespace), dvr_to_src_mac
// (a DVR MAC as source) or find_router (another node's VM). Seed steps EW1, EW4, EW7 ("recognises the source MAC
// as a DVR unique MAC"). Reads ports, dvr_macs, router_macs, vteps, ucast_to_tun.
// RFC 6105: an interop VTEP's router advertisements are dropped.
// A port's frame gets its local VLAN here; the tunnel's has it from tun_to_lv.
// Networks carry untagged frames only: a tag inside VXLAN is discarded (RFC 7348 section 6.1), so one from a
// VM is refused at its port, before the checks behind it would have to look through it.
#include "br-int/br_int.hpp"
#include "packet/neighbour_discovery.hpp"
#include "tables/tables.hpp"

namespace dvr::br_int {
namespace {

bool from_interop(const Packet& packet, const Tables& tables) {
  const auto* vtep = tables.find<VtepRow>({packet.outer.vtep});
  return vtep != nullptr && vtep->interop;
}

// Other nodes let none out (anti_spoof); what is behind an interop VTEP nobody has looked at.
bool is_router_advertisement(const Packet& packet) {
  const auto ip = Ipv6View::of(packet.frame);
  const auto upper = ip ? ip->upper_layer() : std::nullopt;
  const auto nd = upper ? NdView::of(ip->packet(), *upper) : std::nullopt;
  return nd && nd->type() == kRouterAdvertisement;
}

// Asks for a MAC behind an interop VTEP to be learned. Nothing else is ever learned.
void learn_from_interop(const Packet& packet, const MacAddr& src, const Tables& tables, Effects& effects) {
  const auto* known = tables.find<UcastToTunRow>({packet.local_vlan, src});
  if (known != nullptr && known->vtep == packet.outer.vtep && !known->stale) return;
  if (tables.find<SwitchRow>({packet.local_vlan, src}) != nullptr) return;
  effects.learn = {true, packet.local_vlan, src, packet.outer.vtep};
}

StageId from_tunnel(Packet& packet, const EthernetView& ethernet, const Tables& tables, Effects& effects) {
  const MacAddr src = ethernet.src();
  if (const auto* dvr_mac = tables.find<DvrMacRow>({src})) {
    if (dvr_mac->own) return drop(packet, DropReason::own_dvr_mac_from_tunnel);
    if (dvr_mac->vtep != packet.outer.vtep) return drop(packet, DropReason::dvr_mac_of_other_vtep);
    return StageId::dvr_to_src_mac;
  }
  if (tables.find<RouterMacRow>({packet.local_vlan, src}) != nullptr)
    return drop(packet, DropReason::router_mac_from_tunnel);
  if (!from_interop(packet, tables)) return StageId::find_router;
  if (ethernet.ether_type() == kEtherTypeIpv6 && is_router_advertisement(packet))
    return drop(packet, DropReason::router_advertisement_from_tunnel);
  learn_from_interop(packet, src, tables, effects);
  return StageId::find_router;
}

}  // namespace

StageId classify(Packet& packet, const Tables& tables, Effects& effects) {
  const PortRow::Value* port = nullptr;
  if (!packet.from_tunnel()) {
    port = tables.find<PortRow>({packet.in_port});
    if (port == nullptr || is_of_br_ex(port->kind)) return drop(packet, DropReason::unknown_port);
    packet.local_vlan = port->local_vlan;
  }
  const auto ethernet = EthernetView::of(packet.frame);
  if (!ethernet) return drop(packet, DropReason::truncated);
  if (ethernet->is_tagged()) return drop(packet, DropReason::vlan_tagged);
  const MacAddr src = ethernet->src();
  if (src.is_group() || src.is_zero()) return drop(packet, DropReason::bad_source_address);

  if (port == nullptr) return from_tunnel(packet, *ethernet, tables, effects);
  return port->kind == PortKind::vm ? StageId::anti_spoof : StageId::arp_responder;
}

}  // namespace dvr::br_int
