// Strips the local VLAN and puts the VXLAN header with the network's VNI in front of the frame.
//
// Comes from ucast_to_tun or flood_to_tun; goes to output (the VTEP socket adds UDP and IP, outer DF set).
// Seed step EW5 ("strips the local green VLAN, and tunnels the frame with green's VNI"). RFC 7348
// section 5, RFC 6040 section 4.1 (ECN copied outside). Reads networks.
// A super-frame is cut behind this stage, so the limit is its segments' size, not its own.
#include "br-tun/br_tun.hpp"
#include "br-tun/ecn.hpp"
#include "packet/vxlan.hpp"
#include "tables/hash.hpp"
#include "tables/tables.hpp"

namespace dvr::br_tun {
namespace {

// What distinguishes one inner flow from another; hashed into the outer source port (RFC 7348 section 5).
struct Flow {
  IpAddr src, dst;
  MacAddr src_mac, dst_mac;
  uint16_t protocol = 0, src_port = 0, dst_port = 0;
  uint16_t zero = 0;
};

void read_ports(std::span<uint8_t> frame, size_t offset, Flow& flow) {
  if (flow.protocol != kProtocolTcp && flow.protocol != kProtocolUdp) return;
  const uint8_t* ports = Cursor(frame, offset).take(4);
  if (ports == nullptr) return;
  flow.src_port = load_be16(ports);
  flow.dst_port = load_be16(ports + 2);
}

// Fragments have no ports but the first, and an IPv6 one may not even tell the protocol (RFC 8200 section
// 4.5): all of them go by addresses alone, so that they stay together.
uint32_t flow_hash(std::span<uint8_t> frame, const EthernetView& ethernet) {
  Flow flow;
  if (const auto ip = Ipv4View::of(frame); ip && ethernet.ether_type() == kEtherTypeIpv4) {
    flow.src = ip->src(), flow.dst = ip->dst(), flow.protocol = ip->protocol();
    if (!ip->is_fragment()) read_ports(frame, kEthernetBytes + ip->header_bytes(), flow);
  } else if (const auto ip6 = Ipv6View::of(frame); ip6 && ethernet.ether_type() == kEtherTypeIpv6) {
    flow.src = ip6->src(), flow.dst = ip6->dst();
    if (const auto upper = ip6->upper_layer(); upper && !upper->is_fragment) {
      flow.protocol = upper->protocol;
      read_ports(frame, upper->offset, flow);
    }
  } else {
    flow.src_mac = ethernet.src(), flow.dst_mac = ethernet.dst();
  }
  const uint64_t hash = hash_of(flow);
  return static_cast<uint32_t>(hash >> 32 ^ hash);
}

}  // namespace

StageId vxlan_encap(Packet& packet, const Tables& tables, Effects&) {
  const auto ethernet = EthernetView::of(packet.frame);
  if (!ethernet) return drop(packet, DropReason::truncated);
  const auto* network = tables.find<NetworkRow>({packet.local_vlan});
  if (network == nullptr) return drop(packet, DropReason::unknown_vni);
  if (packet.wire_bytes() > network->mtu_bytes) return drop(packet, DropReason::over_mtu);

  packet.outer.tos = inner_ecn(packet.frame).value_or(kNotEct);
  packet.outer.flow_hash = flow_hash(packet.frame, *ethernet);
  packet.vni = network->vni;
  packet.local_vlan = {};
  write_vxlan(packet.frame.data() - kVxlanHeaderBytes, packet.vni);
  packet.encapsulated = true;
  return StageId::output;
}

}  // namespace dvr::br_tun
