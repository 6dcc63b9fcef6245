// Turns the source of a frame that another node's router routed back into the gateway MAC, and delivers it.
//
// Comes from classify (source is another node's DVR MAC); goes to the VM's port. Seed step EW7 ("replaces it
// by r1-green-mac, and forwards the frame to vm2"). Reads dvr_to_src_mac.
// The VM must see its own gateway as sender, exactly as if its local router copy had sent the frame.
// From a DVR MAC only unicast to a known local port is accepted: never a flood, never a learned location.
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

}  // namespace

StageId dvr_to_src_mac(Packet& packet, const Tables& tables, Effects&) {
  auto ethernet = EthernetView::of(packet.frame);
  if (!ethernet) return drop(packet, DropReason::truncated);
  const MacAddr dst = ethernet->dst();

  // One network may have several routed subnets with a gateway MAC each: the address decides, then the MAC.
  const IpAddr ip = destination_ip(packet.frame, ethernet->ether_type());
  const auto* row = tables.find<DvrToSrcMacRow>({packet.local_vlan, dst, ip});
  if (row == nullptr) row = tables.find<DvrToSrcMacRow>({packet.local_vlan, dst, {}});
  if (row == nullptr) return drop(packet, DropReason::dvr_mac_not_to_local_port);

  ethernet->set_src(row->gateway_mac);
  return output_to(packet, row->port);
}

}  // namespace dvr::br_int
