// Why a packet goes no further: one list, with the sentence `dvr drops` and `dvr walk` print.
// Every reason has a counter and a test that reaches it (test/native/drop_reasons_test.cc).
#pragma once

#include <cstddef>
#include <cstdint>

namespace dvr {

// X(name, sentence, what to look at next)
#define DVR_DROP_REASONS(X)                                                                              \
  X(truncated, "a header ends before its length says", "the sender: it makes broken frames")             \
  X(unknown_vtep, "VXLAN came from an address that is no VTEP of this cluster", "dvr tables --bridge br-tun") \
  X(bad_vxlan_header, "the VXLAN header has no valid VNI flag, or flags of another protocol",            \
    "the sender: RFC 7348 section 5 wants the I flag and nothing else")                                  \
  X(unknown_vni, "no network of this node has the VNI", "dvr tables --bridge br-tun")                    \
  X(vtep_not_of_network, "an interop VTEP sent into a network it is no member of", "the topology: interop_vteps") \
  X(ecn_congestion, "congestion was marked outside a packet that cannot carry the mark (RFC 6040)",      \
    "the underlay: it marks packets that are not ECN-capable")                                           \
  X(vlan_tagged, "the frame carries an 802.1Q tag; networks carry untagged frames (RFC 7348 section 6.1)", \
    "the guest's VLAN interfaces")                                                                       \
  X(unknown_port, "the frame came in by a port that has no row", "dvr status: the agent has not programmed it yet") \
  X(own_dvr_mac_from_tunnel, "a frame from the tunnel claims this node's own DVR MAC", "a second node with this node's name") \
  X(dvr_mac_of_other_vtep, "a frame from the tunnel has the DVR MAC of another node than the one that sent it", \
    "the sending VTEP, or the underlay: who else speaks from its address")                               \
  X(router_advertisement_from_tunnel, "a router advertisement came from an interop VTEP; the local router copy's is the only one", \
    "the sending VTEP, or what lives behind it: RFC 6105")                                               \
  X(router_mac_from_tunnel, "a frame from the tunnel has a router MAC as source", "the sending VTEP: it does not speak DVR") \
  X(no_snat_here, "another node sent a frame to a router whose source NAT is not this node's to do",         \
    "dvr tables --bridge br-int: snat_gateways of both nodes")                                           \
  X(dvr_mac_not_to_local_port, "a frame from a DVR MAC goes to no port of this node",                    \
    "dvr tables --bridge br-int: the port has moved or is gone")                                         \
  X(to_router_from_tunnel, "a frame from the tunnel is addressed to a router MAC; routing is the sender's node's work", \
    "the sending VTEP: it does not speak DVR")                                                           \
  X(spoofed_mac, "the source MAC is not one of the port's", "dvr port list; allowed address pairs")      \
  X(router_mac_from_vm, "a VM uses a router MAC as source", "the guest")                                 \
  X(dvr_mac_from_vm, "a VM uses a DVR MAC as source", "the guest")                                       \
  X(spoofed_ip, "the source IP address is not one of the port's", "dvr port list; allowed address pairs") \
  X(spoofed_arp, "the ARP sender is not one of the port's addresses", "dvr port list; allowed address pairs") \
  X(spoofed_nd, "the neighbour advertisement's target is not one of the port's addresses", "dvr port list; allowed address pairs") \
  X(router_advertisement_from_vm, "a VM sent a router advertisement", "the guest; RFC 6105")             \
  X(hidden_header, "IPv6 extension headers hide what the packet is (RFC 7113, RFC 6980)", "the guest")   \
  X(bad_source_address, "the source MAC is a group address or zero", "the sender")                       \
  X(unknown_target_from_router, "the router asks for an address that no port has", "dvr tables: neighbours") \
  X(router_not_here, "the frame is for a router that has no copy on this node", "dvr status: the l3 agent has not built it yet") \
  X(no_snat_node, "the router sends to the outside, and no node is known to do its source NAT",           \
    "dvr status: which network node has the router's gateway")                                           \
  X(snat_loop, "the router sends towards the node that does its source NAT, and is on that node",        \
    "ip neigh in the router namespace: the redirect's neighbour is the sg- device there")                \
  X(back_to_sender, "the frame would leave by the port it came in by", "the guest: it sends to its own address") \
  X(split_horizon, "what came in by the tunnel does not leave by it", "dvr tables: the port has moved")  \
  X(router_mac_to_wire, "the frame is addressed to a router MAC and may not leave the node", "nothing: this is right") \
  X(unknown_unicast, "no node is known to have the destination MAC", "dvr tables: ucast_to_tun")         \
  X(no_dvr_mac, "this node has no DVR MAC yet", "dvr status: the agent has not programmed it yet")       \
  X(over_mtu, "the packet is larger than the network's MTU", "the guest's MTU")                          \
  X(unknown_provider_vlan, "no external network of this node has the frame's provider VLAN on this wire", \
    "the topology: the external network's provider VLAN")                                                \
  X(own_mac_from_wire, "a frame from the provider's wire has the MAC of one of this node's own devices", \
    "the provider's network: a loop, or somebody else with that MAC")                                    \
  X(not_for_us, "a frame from the provider's wire is for none of this node's devices",                   \
    "nothing: this is right, where the wire carries others' frames too")                                 \
  X(no_uplink, "the external network has no wire on this node", "the topology: the node's provider")     \
  X(no_underlay, "this node has no VTEP socket", "dvr status")                                           \
  X(port_gone, "the port's device is gone", "dvr port list")                                             \
  X(gate_closed, "the router's outside addresses are not this node's now: the port's gate is closed",     \
    "dvr status: which network node is active for the router")                                           \
  X(port_down, "the port's device is down", "the guest: its interface is not up")                        \
  X(port_refused, "the kernel did not take the frame for the port's device", "the device's statistics: ip -s link") \
  X(send_failed, "the kernel refused to send to the underlay", "dvr status: the underlay's route and MTU")

enum class DropReason : uint8_t {
#define X(name, sentence, hint) name,
  DVR_DROP_REASONS(X)
#undef X
};

struct DropReasonText {
  const char* name;
  const char* sentence;
  const char* hint;
};

inline constexpr DropReasonText kDropReasons[] = {
#define X(name, sentence, hint) {#name, sentence, hint},
    DVR_DROP_REASONS(X)
#undef X
};

inline constexpr size_t kDropReasonCount = sizeof(kDropReasons) / sizeof(kDropReasons[0]);

}  // namespace dvr
