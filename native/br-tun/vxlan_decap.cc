// Takes the VXLAN header off what the VTEP socket received, if a VTEP of this cloud sent it.
//
// Comes from the VTEP socket; goes to tun_to_lv. Seed step EW6 ("de-tunnels").
// RFC 7348 section 5 (header), RFC 6040 section 4.2 (ECN). Reads vteps.
// Fail closed: VXLAN has no authentication, so an address that the controller did not name as a VTEP
// reaches no network, whatever VNI it writes.
#include "br-tun/br_tun.hpp"
#include "br-tun/ecn.hpp"
#include "packet/vxlan.hpp"
#include "tables/tables.hpp"

namespace dvr::br_tun {

StageId vxlan_decap(Packet& packet, const Tables& tables, Effects&) {
  if (tables.find<VtepRow>({packet.outer.vtep}) == nullptr) return drop(packet, DropReason::unknown_vtep);

  const auto vni = read_vxlan(packet.frame);
  if (!vni) return drop(packet, DropReason::bad_vxlan_header);
  packet.vni = *vni;
  packet.frame = packet.frame.subspan(kVxlanHeaderBytes);
  if (!EthernetView::of(packet.frame)) return drop(packet, DropReason::truncated);

  if (const auto inner = inner_ecn(packet.frame)) {
    const auto ecn = ecn_at_egress(*inner, packet.outer.tos & 3);
    if (!ecn) return drop(packet, DropReason::ecn_congestion);
    if (*ecn != *inner) set_inner_ecn(packet.frame, *ecn);
  }
  return StageId::tun_to_lv;
}

}  // namespace dvr::br_tun
