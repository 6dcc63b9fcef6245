// Finds the external network that a frame belongs to: from the wire by its provider VLAN, which is taken off; from
// a namespace by its device.
//
// The entry of br-ex: comes from an uplink, or from a `qg-` or `fg-` device; goes to ex_switch. Reads ports,
// provider_in, provider_out, ex_switch. IEEE 802.1Q section 9: an identifier of zero is a priority and no VLAN.
// The provider's side is not trusted. What carries the MAC of one of our own devices was ours and comes back, or is
// somebody who wants to be us: either way it goes no further.
#include "br-ex/br_ex.hpp"
#include "packet/vlan_tag.hpp"
#include "tables/tables.hpp"

namespace dvr::br_ex {
namespace {

StageId from_wire(Packet& packet, const MacAddr& src, const Tables& tables) {
  const auto vlan = take_vlan_tag(packet);
  if (!vlan) return drop(packet, DropReason::truncated);
  const auto ethernet = EthernetView::of(packet.frame);
  if (!ethernet) return drop(packet, DropReason::truncated);
  const auto* network = tables.find<ProviderInRow>({packet.in_port, *vlan});
  if (network == nullptr) return drop(packet, DropReason::unknown_provider_vlan);
  if (ethernet->is_tagged()) return drop(packet, DropReason::vlan_tagged);
  packet.local_vlan = network->local_vlan;
  packet.provider_vlan = *vlan;
  if (tables.find<ExSwitchRow>({packet.local_vlan, src}) != nullptr)
    return drop(packet, DropReason::own_mac_from_wire);
  return StageId::ex_switch;
}

StageId from_namespace(Packet& packet, const EthernetView& ethernet, LocalVlan local_vlan, const Tables& tables) {
  if (ethernet.is_tagged()) return drop(packet, DropReason::vlan_tagged);
  packet.local_vlan = local_vlan;
  if (const auto* wire = tables.find<ProviderOutRow>({local_vlan})) packet.provider_vlan = wire->vlan;
  return StageId::ex_switch;
}

}  // namespace

bool is_from_wire(const Packet& packet, const Tables& tables) {
  const auto* port = tables.find<PortRow>({packet.in_port});
  return port != nullptr && port->kind == PortKind::uplink;
}

StageId provider_in(Packet& packet, const Tables& tables, Effects&) {
  const auto* port = tables.find<PortRow>({packet.in_port});
  if (port == nullptr || !is_of_br_ex(port->kind)) return drop(packet, DropReason::unknown_port);
  const auto ethernet = EthernetView::of(packet.frame);
  if (!ethernet) return drop(packet, DropReason::truncated);
  const MacAddr src = ethernet->src();
  if (src.is_group() || src.is_zero()) return drop(packet, DropReason::bad_source_address);
  if (port->kind == PortKind::uplink) return from_wire(packet, src, tables);
  return from_namespace(packet, *ethernet, port->local_vlan, tables);
}

}  // namespace dvr::br_ex
