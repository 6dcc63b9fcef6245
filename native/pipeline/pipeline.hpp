// THE table of stages in packet order. The runner is unrolled from it (runner.hpp); trace names, counters,
// the fuzz harness, `dvr tables`, the TypeScript enum (src/dataplane/pipeline.ts) and docs/pipeline.md are
// made from it. To follow a packet from rx to tx, read its rows from top to bottom.
//
//                                                                 ╭─▶ route ─▶ output     router
//                                                                 │     │ (its namespace)
//   TAP ──────────────▶ classify ─ anti_spoof ─ arp_responder ─ find_router ─ switch ─ flood    br-int
//                          ▲   │                 └─ ra_responder ──┘            │        │
//                          │   └─ dvr_to_src_mac ─▶ output                      │        │
//   VTEP ─ vxlan_decap ─ tun_to_lv                                            output     ▼
//   socket                          vxlan_encap ─ flood_to_tun ─ ucast_to_tun ─ dvr_process     br-tun
//
//   wire, qg-, fg- ─ provider_in ─ ex_switch ─ ex_flood ─ provider_out ─▶ output               br-ex
#pragma once

#include <array>
#include <initializer_list>

#include "br-ex/br_ex.hpp"
#include "br-int/br_int.hpp"
#include "br-tun/br_tun.hpp"
#include "router/router.hpp"
#include "stage/stage.hpp"

namespace dvr {

struct PipelineRow {
  StageId id;
  Bridge bridge;
  const char* name;
  StageFunction function;
  uint32_t next;           // the stages it may name, as bits
  const char* tables;      // the tables it reads, space-separated, the one it is about first
  const char* seed_steps;  // of the seed's walks, space-separated
  const char* does;        // one sentence
};

constexpr uint32_t bit(StageId id) { return 1u << static_cast<unsigned>(id); }
constexpr uint32_t bits(std::initializer_list<StageId> ids) {
  uint32_t all = 0;
  for (const StageId id : ids) all |= bit(id);
  return all;
}

inline constexpr std::array<PipelineRow, kStageCount> kPipeline = {{
    {StageId::vxlan_decap, Bridge::br_tun, "vxlan_decap", br_tun::vxlan_decap,
     bits({StageId::tun_to_lv, StageId::drop}), "vteps", "EW6 NS6",
     "takes the VXLAN header off, if a VTEP of this cloud sent it"},
    {StageId::tun_to_lv, Bridge::br_tun, "tun_to_lv", br_tun::tun_to_lv,
     bits({StageId::classify, StageId::drop}), "tun_to_lv vteps flood_to_tun", "EW6 NS6",
     "strips the VNI and adds this node's local VLAN"},
    {StageId::classify, Bridge::br_int, "classify", br_int::classify,
     bits({StageId::dvr_to_src_mac, StageId::anti_spoof, StageId::arp_responder, StageId::find_router,
           StageId::drop}),
     "ports dvr_macs router_macs vteps ucast_to_tun switch", "EW1 EW4 EW7",
     "tells VM, router, DVR MAC and other tunnel frames apart"},
    {StageId::dvr_to_src_mac, Bridge::br_int, "dvr_to_src_mac", br_int::dvr_to_src_mac,
     bits({StageId::output, StageId::drop}), "dvr_to_src_mac router_macs snat_gateways", "EW7 NS7",
     "turns the DVR MAC back into the gateway MAC and delivers, to a router only where its source NAT is done"},
    {StageId::anti_spoof, Bridge::br_int, "anti_spoof", br_int::anti_spoof,
     bits({StageId::arp_responder, StageId::drop}),
     "allowed_sources ports neighbours router_macs dvr_macs", "EW1",
     "lets a VM speak only as itself"},
    {StageId::arp_responder, Bridge::br_int, "arp_responder", br_int::arp_responder,
     bits({StageId::ra_responder, StageId::find_router, StageId::output, StageId::drop}), "neighbours ports switch", "",
     "answers ARP and neighbour solicitations for known addresses, and tells who announces one that may move"},
    {StageId::ra_responder, Bridge::br_int, "ra_responder", br_int::ra_responder,
     bits({StageId::find_router, StageId::output, StageId::drop}), "ra_responder ports networks", "",
     "answers router solicitations in the name of the local copy of the router"},
    {StageId::find_router, Bridge::br_int, "find_router", br_int::find_router,
     bits({StageId::route, StageId::switch_, StageId::drop}), "router_macs ports snat_gateways", "EW1 NS1 NS4",
     "hands frames for a router MAC to the router"},
    {StageId::route, Bridge::router, "route", router::route,
     bits({StageId::switch_, StageId::output, StageId::drop}), "routes neighbours networks", "EW2 EW3",
     "routes in the fast path, or hands the frame to the router namespace"},
    {StageId::switch_, Bridge::br_int, "switch", br_int::switch_,
     bits({StageId::flood, StageId::dvr_process, StageId::output, StageId::drop}), "switch", "EW4",
     "switches by destination MAC: local port, flood, or towards br-tun"},
    {StageId::flood, Bridge::br_int, "flood", br_int::flood, bits({StageId::dvr_process, StageId::output}),
     "flood ports", "", "gives broadcast and multicast to the network's local ports"},
    {StageId::dvr_process, Bridge::br_tun, "dvr_process", br_tun::dvr_process,
     bits({StageId::ucast_to_tun, StageId::drop}), "router_macs snat_gateways dvr_macs", "EW5 NS5",
     "replaces a router MAC as source by the node's DVR MAC"},
    {StageId::ucast_to_tun, Bridge::br_tun, "ucast_to_tun", br_tun::ucast_to_tun,
     bits({StageId::flood_to_tun, StageId::vxlan_encap, StageId::drop}), "ucast_to_tun snat_gateways", "EW5 NS5",
     "finds the VTEP of the destination MAC"},
    {StageId::flood_to_tun, Bridge::br_tun, "flood_to_tun", br_tun::flood_to_tun,
     bits({StageId::vxlan_encap, StageId::output}), "flood_to_tun", "",
     "makes one copy for every other node with a port of the network"},
    {StageId::vxlan_encap, Bridge::br_tun, "vxlan_encap", br_tun::vxlan_encap,
     bits({StageId::output, StageId::drop}), "networks", "EW5",
     "strips the local VLAN and puts the VXLAN header in front"},
    {StageId::provider_in, Bridge::br_ex, "provider_in", br_ex::provider_in,
     bits({StageId::ex_switch, StageId::drop}), "provider_in ports provider_out ex_switch", "",
     "finds the external network of a frame, and takes the provider VLAN off"},
    {StageId::ex_switch, Bridge::br_ex, "ex_switch", br_ex::ex_switch,
     bits({StageId::ex_flood, StageId::provider_out, StageId::output, StageId::drop}), "ex_switch ports", "",
     "switches by destination MAC: qg- or fg- device, flood, or the wire"},
    {StageId::ex_flood, Bridge::br_ex, "ex_flood", br_ex::ex_flood,
     bits({StageId::provider_out, StageId::output}), "ex_flood ports", "",
     "gives broadcast and multicast to this node's devices in the external network"},
    {StageId::provider_out, Bridge::br_ex, "provider_out", br_ex::provider_out,
     bits({StageId::output, StageId::drop}), "provider_out", "NS9",
     "sends out by the uplink, with the provider VLAN"},
}};

// The home bridge of a stage; verdicts have none.
constexpr Bridge home_of(StageId id) {
  return id < StageId::output ? kPipeline[static_cast<size_t>(id)].bridge : Bridge::none;
}

constexpr bool pipeline_is_in_packet_order() {
  for (size_t at = 0; at < kPipeline.size(); ++at)
    if (static_cast<size_t>(kPipeline[at].id) != at) return false;
  return true;
}

// A backward edge would be a loop, and the unrolled runner would fall through it.
constexpr bool edges_go_forward() {
  for (const PipelineRow& row : kPipeline)
    if ((row.next & (bit(row.id) * 2 - 1)) != 0) return false;
  return true;
}

static_assert(pipeline_is_in_packet_order());
static_assert(edges_go_forward());

}  // namespace dvr
