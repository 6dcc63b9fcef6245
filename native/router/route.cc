// Routes a packet from one network of its router into another, or hands it to the router's namespace.
//
// Comes from find_router; a routed packet goes to switch, in the network it leaves into. Seed steps EW2 and
// EW3 ("r1's red interface picks the frame up and routes the IP packet … puts the frame out of its green
// interface"), where the router has a number; else they are the namespace's, as is everything that a router
// does not only pass on. Reads routes, neighbours, networks.
// RFC 1812 section 5.2, RFC 8200; RFC 1624 (checksum). What leaves here is byte for byte what the kernel in
// the namespace would put out: whatever it might answer, drop, cut or change otherwise is left to it.
#include "router/router.hpp"

#include "packet/ipv4.hpp"
#include "packet/ipv6.hpp"
#include "packet/martian.hpp"
#include "router/next_hop.hpp"

namespace dvr::router {
namespace {

// What routing needs of either IP header.
struct Header {
  IpAddr src, dst;
  size_t packet_bytes = 0;  // the frame may be longer: padding
};

// Nothing: an option, a last hop or a broken header is the namespace's to look at.
std::optional<Header> read_ipv4(std::span<uint8_t> frame) {
  const auto ip = Ipv4View::of(frame);
  if (!ip || ip->header_bytes() != kIpv4Bytes || ip->ttl() <= 1 || !ip->checksum_is_right()) return std::nullopt;
  const Header header{ip->src(), ip->dst(), ip->total_bytes()};
  if (is_martian_v4(header.src) || is_martian_v4(header.dst)) return std::nullopt;
  return header;
}

std::optional<Header> read_ipv6(std::span<uint8_t> frame) {
  const auto ip = Ipv6View::of(frame);
  if (!ip || ip->next_header() == kProtocolHopByHop || ip->hop_limit() <= 1) return std::nullopt;
  const Header header{ip->src(), ip->dst(), ip->packet().size() - kEthernetBytes};
  if (is_martian_v6(header.src) || is_martian_v6(header.dst)) return std::nullopt;
  return header;
}

std::optional<Header> read_header(std::span<uint8_t> frame, uint16_t ether_type) {
  switch (ether_type) {
    case kEtherTypeIpv4: return read_ipv4(frame);
    case kEtherTypeIpv6: return read_ipv6(frame);
    default: return std::nullopt;
  }
}

// Takes Ethernet's padding off, as a router does. False: the packet's unfinished work may reach into it.
bool trim(Packet& packet, const Header& header) {
  const size_t frame_bytes = kEthernetBytes + header.packet_bytes;
  if (packet.frame.size() == frame_bytes) return true;
  if (packet.offload.needs_csum || packet.offload.gso != GsoType::none) return false;
  packet.frame = packet.frame.first(frame_bytes);
  return true;
}

bool fits(const Packet& packet, const Header& header, const NetworkRow::Value& network) {
  const bool is_super_frame = packet.offload.gso != GsoType::none;
  return (is_super_frame ? packet.wire_bytes() : header.packet_bytes) <= network.mtu_bytes;
}

void take_one_off_ttl(std::span<uint8_t> frame, uint16_t ether_type) {
  if (ether_type == kEtherTypeIpv4) {
    if (auto ip = Ipv4View::of(frame)) ip->decrement_ttl();
  } else if (auto ip = Ipv6View::of(frame)) {
    ip->decrement_hop_limit();
  }
}

}  // namespace

StageId route(Packet& packet, const Tables& tables, Effects&) {
  auto ethernet = EthernetView::of(packet.frame);
  if (!ethernet) return drop(packet, DropReason::truncated);
  const auto to_namespace = [&] { return output_to(packet, packet.namespace_port); };
  if (packet.router == RouterId{}) return to_namespace();
  const auto header = read_header(packet.frame, ethernet->ether_type());
  if (!header || is_own_address(tables, packet.router, header->src)) return to_namespace();

  const auto hop = find_next_hop(tables, packet.router, header->dst);
  // Out by the interface it came in by: the kernel may tell the sender of the shorter way (RFC 4861 8.2).
  if (!hop || hop->local_vlan == packet.local_vlan) return to_namespace();
  const auto* network = tables.find<NetworkRow>({hop->local_vlan});
  if (network == nullptr || !fits(packet, *header, *network) || !trim(packet, *header)) return to_namespace();

  take_one_off_ttl(packet.frame, ethernet->ether_type());
  ethernet->set_src(hop->gateway_mac);
  ethernet->set_dst(hop->mac);
  packet.local_vlan = hop->local_vlan;
  return StageId::switch_;
}

}  // namespace dvr::router
