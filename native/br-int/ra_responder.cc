// Turns a router solicitation into the advertisement of the network's default router.
//
// Comes from arp_responder; a VM is answered alone, and what is not to be answered goes on to find_router.
// RFC 4861 sections 6.1.1, 6.2.4, 6.2.6; RFC 4862 section 5.5. Reads ra_responder, ports, networks.
// Each node's own copy of the router answers, with the one link-local address that its one MAC gives on all
// nodes: so a VM's default route is right wherever it is moved to, and neither question nor answer ever
// crosses the wire.
// From the router's own port a solicitation is the agent's clock tick: it becomes the unsolicited
// advertisement to all nodes, which flood keeps on this node as it does every router's multicast.
#include "base/ip_prefix.hpp"
#include "br-int/br_int.hpp"
#include "packet/router_advertisement.hpp"
#include "tables/tables.hpp"

namespace dvr::br_int {
namespace {

// The rows of a network have no gap, so the first that is not there ends them.
struct Prefixes {
  const Tables& tables;
  LocalVlan local_vlan;

  const RaResponderRow::Value* at(uint16_t index) const {
    return index < kMostAdvertisedPrefixes ? tables.find<RaResponderRow>({local_vlan, index}) : nullptr;
  }
  uint16_t count() const {
    uint16_t index = 0;
    while (at(index) != nullptr) ++index;
    return index;
  }
  bool managed() const {
    for (uint16_t index = 0; const auto* row = at(index); ++index)
      if (row->managed) return true;
    return false;
  }
};

void advertise(Packet& packet, const Prefixes& prefixes, const MacAddr& router, const MacAddr& to_mac,
               const IpAddr& to) {
  const auto* network = prefixes.tables.find<NetworkRow>({packet.local_vlan});
  const uint16_t mtu_bytes = network == nullptr ? uint16_t{0} : network->mtu_bytes;
  begin_router_advertisement(packet.frame, {router, mtu_bytes, prefixes.managed()}, to_mac, to);
  for (uint16_t index = 0; const auto* row = prefixes.at(index); ++index)
    put_prefix(packet.frame, index, masked(row->prefix, row->prefix_bits), row->prefix_bits, row->autonomous);
  finish_nd_message(packet.frame);
}

// False: it has no room, and stays as it is.
bool resize(Packet& packet, size_t bytes) {
  if (bytes > packet.frame.size() + packet.tailroom) return false;
  packet.tailroom += packet.frame.size() - bytes;
  packet.frame = {packet.frame.data(), bytes};
  packet.offload = {};
  return true;
}

}  // namespace

StageId ra_responder(Packet& packet, const Tables& tables, Effects&) {
  const auto ethernet = EthernetView::of(packet.frame);
  const auto ip = Ipv6View::of(packet.frame);
  if (!ethernet || !ip) return drop(packet, DropReason::truncated);
  const auto* port = tables.find<PortRow>({packet.in_port});
  const Prefixes prefixes{tables, packet.local_vlan};
  const auto* first = prefixes.at(0);
  if (port == nullptr || first == nullptr) return StageId::find_router;

  const MacAddr asker = ethernet->src();
  const MacAddr router = first->gateway_mac;
  const IpAddr from = ip->src();
  const bool is_tick = port->kind == PortKind::router;
  if (is_tick && asker != router) return StageId::find_router;
  if (!resize(packet, router_advertisement_bytes(prefixes.count()))) return StageId::find_router;

  if (is_tick) {
    advertise(packet, prefixes, router, kAllNodesMacAddr, kAllNodes);
    return StageId::find_router;
  }
  // Who has no address yet is answered as all nodes are, but by its MAC, so that nobody else hears it.
  advertise(packet, prefixes, router, asker, from.is_any() ? kAllNodes : from);
  return reply_to_in_port(packet);
}

}  // namespace dvr::br_int
