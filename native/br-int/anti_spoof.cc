// Lets a VM speak only as itself: source MAC, IPv4 and IPv6 source, ARP sender, advertised neighbour.
//
// Comes from classify (VM ports); goes to arp_responder. Part of seed step EW1. Reads allowed_sources,
// ports, neighbours, router_macs, dvr_macs. RFC 6105 and RFC 7113 (router advertisements, also
// hidden ones), RFC 6980 (no fragmented neighbour discovery), RFC 5227 (ARP probes).
// A port without port security skips the address checks, but a router MAC or DVR MAC as source, a claim to
// a router's IP address or a router advertisement would break every other VM of the network and is dropped
// from any port.
#include "base/ip_prefix.hpp"
#include "br-int/br_int.hpp"
#include "packet/arp.hpp"
#include "packet/ipv4.hpp"
#include "packet/neighbour_discovery.hpp"
#include "tables/tables.hpp"

namespace dvr::br_int {
namespace {

constexpr uint16_t kDhcpServerPort = 67;

// What the checks need to know of the sender.
struct Sender {
  const Tables& tables;
  PortId port;
  LocalVlan local_vlan;
  MacAddr mac;
  bool checked;  // port security is on

  bool may_use(const IpAddr& ip) const { return may_use(mac, ip); }
  bool may_use(const MacAddr& as_mac, const IpAddr& ip) const {
    if (!checked) return true;
    if (ip.is_any()) return false;  // the row of "any" allows the MAC, not the unspecified address
    for (const uint16_t bits : tables.allowed_prefix_bits) {
      if (ip.is_v4() && bits < kMappedPrefixBits) continue;  // ::/0 is about IPv6 only
      if (tables.find<AllowedSourceRow>({port, as_mac, masked(ip, bits), bits}) != nullptr) return true;
    }
    return false;
  }
  bool is_router_ip(const IpAddr& ip) const {
    const auto* row = tables.find<NeighbourRow>({local_vlan, ip});
    return row != nullptr && row->router;
  }
  bool may_use_mac() const { return !checked || tables.find<AllowedSourceRow>({port, mac, {}, 128}) != nullptr; }
};

StageId check_arp(Packet& packet, const Sender& sender) {
  const auto arp = ArpView::of(packet.frame);
  if (!arp) return drop(packet, DropReason::truncated);
  // A probe claims no address yet: its sender is 0.0.0.0 (RFC 5227 section 2.1.1).
  const bool own = arp->is_probe() ? arp->sender_mac() == sender.mac || !sender.checked
                                   : sender.may_use(arp->sender_mac(), arp->sender_ip());
  if (!own || sender.is_router_ip(arp->sender_ip())) return drop(packet, DropReason::spoofed_arp);
  return StageId::arp_responder;
}

// A client without an address asks for one (RFC 2131 section 4.1): 0.0.0.0 to a DHCP server only.
bool asks_for_address(std::span<uint8_t> frame, const Ipv4View& ip) {
  if (load_be32(ip.src().v4_bytes()) != 0 || ip.protocol() != kProtocolUdp || ip.is_later_fragment()) return false;
  const uint8_t* udp = Cursor(frame, kEthernetBytes + ip.header_bytes()).take(8);
  return udp != nullptr && load_be16(udp + 2) == kDhcpServerPort;
}

StageId check_ipv4(Packet& packet, const Sender& sender) {
  const auto ip = Ipv4View::of(packet.frame);
  if (!ip) return drop(packet, DropReason::truncated);
  if (sender.may_use(ip->src()) || asks_for_address(packet.frame, *ip)) return StageId::arp_responder;
  return drop(packet, DropReason::spoofed_ip);
}

StageId check_ipv6(Packet& packet, const Sender& sender) {
  const auto ip = Ipv6View::of(packet.frame);
  if (!ip) return drop(packet, DropReason::truncated);
  const auto upper = ip->upper_layer();
  if (!upper) return drop(packet, DropReason::hidden_header);
  const auto nd = NdView::of(ip->packet(), *upper);
  if (nd) {
    if (nd->type() == kRouterAdvertisement) return drop(packet, DropReason::router_advertisement_from_vm);
    const bool is_discovery = nd->type() >= 133 && nd->type() <= 137;
    if (is_discovery && upper->is_fragment) return drop(packet, DropReason::hidden_header);
    if (nd->type() == kNeighbourAdvertisement &&
        (!nd->has_target() || !sender.may_use(nd->target()) || sender.is_router_ip(nd->target())))
      return drop(packet, DropReason::spoofed_nd);
  } else if (upper->protocol == kProtocolIcmpv6 && !upper->is_later_fragment) {
    return drop(packet, DropReason::truncated);
  }
  // An IPv4-mapped address is no address of the wire (RFC 6890 section 2.2.3): it only looks like the port's.
  if (sender.checked && ip->src().is_v4()) return drop(packet, DropReason::spoofed_ip);
  // The unspecified address is for neighbour discovery and MLD before an address is sure (RFC 4862).
  const bool unspecified = ip->src().is_any() && upper->protocol == kProtocolIcmpv6;
  if (unspecified || sender.may_use(ip->src())) return StageId::arp_responder;
  return drop(packet, DropReason::spoofed_ip);
}

}  // namespace

StageId anti_spoof(Packet& packet, const Tables& tables, Effects&) {
  const auto ethernet = EthernetView::of(packet.frame);
  const auto* port = tables.find<PortRow>({packet.in_port});
  if (!ethernet) return drop(packet, DropReason::truncated);
  if (port == nullptr) return drop(packet, DropReason::unknown_port);
  const Sender sender{tables, packet.in_port, packet.local_vlan, ethernet->src(), port->port_security};

  if (tables.find<RouterMacRow>({packet.local_vlan, sender.mac}) != nullptr)
    return drop(packet, DropReason::router_mac_from_vm);
  if (tables.find<DvrMacRow>({sender.mac}) != nullptr) return drop(packet, DropReason::dvr_mac_from_vm);
  if (!sender.may_use_mac()) return drop(packet, DropReason::spoofed_mac);

  switch (ethernet->ether_type()) {
    case kEtherTypeArp: return check_arp(packet, sender);
    case kEtherTypeIpv4: return check_ipv4(packet, sender);
    case kEtherTypeIpv6: return check_ipv6(packet, sender);
    default: return StageId::arp_responder;
  }
}

}  // namespace dvr::br_int
