// What must hold of every passage, whatever the frame and whatever the tables: said once, for the property
// tests and for the fuzzers. Each check answers with what is broken, or nothing.
#pragma once

#include <algorithm>
#include <map>
#include <set>

#include "base/bytes.hpp"
#include "slow_route.hpp"
#include "walk.hpp"

namespace dvr::test {

// The packet as it came in, kept beside the walk it made.
struct Passage {
  const Tables& tables;
  const Arrival& arrival;
  const Bytes& before;
  const Walk& walk;

  bool from_tunnel() const { return arrival.port == kTunnelPort; }
  bool to_tunnel() const {
    return walk.packet.out_port == kTunnelPort || !walk.effects.copy_to_vteps.empty();
  }
  bool passed(StageId stage) const {
    return std::find(walk.trail.stages.begin(), walk.trail.stages.end(), stage) != walk.trail.stages.end();
  }
  StageId last() const { return walk.trail.stages.back(); }
  bool is_answer() const { return last() == StageId::arp_responder || last() == StageId::ra_responder; }
  bool is_output() const { return walk.verdict == StageId::output; }
  // The network the packet is in, by the tables alone; 0 where it is in none.
  LocalVlan local_vlan() const {
    if (!from_tunnel()) {
      const auto* port = tables.find<PortRow>({arrival.port});
      return port == nullptr ? LocalVlan{} : port->local_vlan;
    }
    if (before.size() < kVxlanHeaderBytes) return {};
    const auto* row = tables.find<TunToLvRow>({{load_be32(before.data() + 4) >> 8}});
    return row == nullptr ? LocalVlan{} : row->local_vlan;
  }
  // The network it ends in: another one where it was routed.
  LocalVlan last_local_vlan() const { return routed ? routed->local_vlan : local_vlan(); }
  bool is_router_mac(const MacAddr& mac) const {
    return tables.find<RouterMacRow>({last_local_vlan(), mac}) != nullptr;
  }
  bool is_dvr_mac(const MacAddr& mac) const { return tables.find<DvrMacRow>({mac}) != nullptr; }
  MacAddr source_before() const {
    MacAddr mac;
    std::copy_n(before.begin() + (from_tunnel() ? 14 : 6), 6, mac.bytes.begin());
    return mac;
  }

  // What the slow twin makes of a packet that reached its router.
  std::optional<Routed> routed = passed(StageId::route)
                                     ? slow_route(tables, arrival.port, arrival.offload, local_vlan(), before)
                                     : std::nullopt;
};

using Broken = const char*;  // null: the invariant holds

inline Broken broken_verdict(const Passage& p) {
  const Walk& walk = p.walk;
  if (!walk.intact) return "bytes outside the frame and its headroom were written";
  if (walk.trail.bad_edges != 0) return "a stage named a stage that the pipeline table does not allow";
  if (walk.verdict != StageId::output && walk.verdict != StageId::drop)
    return "the packet ends without a verdict";
  const bool has_reason = static_cast<size_t>(walk.packet.drop_reason) < kDropReasonCount;
  if ((walk.verdict == StageId::drop) != has_reason) return "a drop has no reason, or an output has one";
  const bool flooded = p.last() == StageId::flood || p.last() == StageId::ex_flood || p.last() == StageId::flood_to_tun || p.to_tunnel();
  if (p.is_output() && walk.packet.out_port == kNoPort && !flooded)
    return "a packet vanished without a reason";
  return nullptr;
}

inline Broken broken_split_horizon(const Passage& p) {
  if (p.from_tunnel() && (p.to_tunnel() || p.walk.packet.encapsulated))
    return "split horizon: tunnel to tunnel";
  return nullptr;
}

inline Broken broken_route(const Passage& p) {
  if (!p.passed(StageId::route)) return nullptr;
  const bool by_fast_path = p.passed(StageId::switch_);
  if (p.routed && !by_fast_path) return "the namespace got what the fast path can route";
  if (!p.routed && by_fast_path) return "the fast path routed what is the namespace's to look at";
  return nullptr;
}

// What a router's copy sends to its own MAC goes to the node that does its source NAT, and to no other.
inline bool is_towards_snat(const Passage& p) {
  const MacAddr mac = p.walk.dst();
  const auto* router = p.tables.find<RouterMacRow>({p.local_vlan(), mac});
  const auto* gateway = p.tables.find<SnatGatewayRow>({p.local_vlan(), mac});
  return router != nullptr && router->namespace_port == p.arrival.port && p.source_before() == mac &&
         gateway != nullptr && gateway->vtep == p.walk.packet.outer.vtep && p.is_dvr_mac(p.walk.src());
}

inline Broken broken_wire(const Passage& p) {
  if (!p.is_output()) return nullptr;
  if (p.walk.packet.encapsulated != p.to_tunnel())
    return "a frame for the tunnel is not encapsulated, or the reverse";
  if (!p.to_tunnel()) return nullptr;
  if (p.is_router_mac(p.walk.src())) return "a router MAC crosses the wire as source";
  if (p.is_router_mac(p.walk.dst()) && !is_towards_snat(p)) return "a router MAC crosses the wire as destination";
  const auto* network = p.tables.find<NetworkRow>({p.last_local_vlan()});
  if (network == nullptr || p.walk.packet.vni != network->vni) return "the frame left its network";
  if (p.walk.vxlan_header != vxlan(network->vni.value, {})) return "the VXLAN header is not that of RFC 7348";
  if (p.walk.packet.local_vlan != LocalVlan{}) return "a local VLAN leaves the node";
  return nullptr;
}

inline bool is_uplink(const Tables& tables, PortId port) {
  const auto* row = tables.find<PortRow>({port});
  return row != nullptr && row->kind == PortKind::uplink;
}

// br-ex and the bridges of the cloud meet in namespaces only; the wire never hears what it said.
inline Broken broken_br_ex(const Passage& p) {
  const auto of_br_ex = [](StageId stage) { return home_of(stage) == Bridge::br_ex; };
  const auto passed = static_cast<size_t>(std::ranges::count_if(p.walk.trail.stages, of_br_ex));
  const bool came_by_it = of_br_ex(p.walk.trail.stages.front());
  if (passed != (came_by_it ? p.walk.trail.stages.size() : 0)) return "a frame passed br-ex and another bridge";
  if (!came_by_it) return p.walk.packet.on_wire ? "a frame of the cloud is on the provider's wire" : nullptr;
  const LocalVlan network = p.walk.packet.local_vlan;
  for (const PortId port : p.walk.effects.copy_to)
    if (p.tables.find<ExFloodRow>({network, port}) == nullptr) return "a flood left its external network";
  if (!p.is_output()) return nullptr;
  const Packet& packet = p.walk.packet;
  if (packet.on_wire) {
    const auto* wire = p.tables.find<ProviderOutRow>({network});
    if (is_uplink(p.tables, p.arrival.port)) return "what came from the wire went back to it";
    if (wire == nullptr || wire->port != packet.out_port || wire->vlan != packet.provider_vlan)
      return "a frame went out by another wire or VLAN than its network's";
  } else if (packet.out_port != kNoPort) {
    const auto* own = p.tables.find<ExSwitchRow>({network, p.walk.dst()});
    if (own == nullptr || own->port != packet.out_port) return "a frame reached somebody else's device";
  }
  if (is_uplink(p.tables, p.arrival.port) && p.tables.find<ExSwitchRow>({network, p.walk.src()}) != nullptr)
    return "somebody on the wire spoke as one of us";
  return nullptr;
}

inline Broken broken_flood(const Passage& p) {
  if (p.passed(StageId::provider_in)) return nullptr;  // broken_br_ex
  for (const PortId port : p.walk.effects.copy_to) {
    if (p.tables.find<FloodRow>({p.local_vlan(), port}) == nullptr) return "a flood left its network";
    const auto* row = p.tables.find<PortRow>({port});
    if (p.from_tunnel() && row != nullptr && row->kind == PortKind::router)
      return "a flood of the tunnel reached a router";
  }
  for (const IpAddr& vtep : p.walk.effects.copy_to_vteps)
    if (p.tables.find<FloodToTunRow>({p.local_vlan(), vtep}) == nullptr)
      return "a flood went to a foreign VTEP";
  return nullptr;
}

inline Broken broken_membership(const Passage& p) {
  if (!p.from_tunnel() || !p.passed(StageId::classify)) return nullptr;
  const auto* vtep = p.tables.find<VtepRow>({p.arrival.vtep});
  if (vtep == nullptr) return "who is no VTEP reached a network";
  if (vtep->interop && p.tables.find<FloodToTunRow>({p.local_vlan(), p.arrival.vtep}) == nullptr)
    return "an interop VTEP reached a network it is no member of";
  return nullptr;
}

// Only about the tunnel: VM ports may not use a DVR MAC at all, and a router's port is our own.
inline Broken broken_dvr_mac(const Passage& p) {
  if (!p.from_tunnel() || !p.passed(StageId::classify) || !p.is_dvr_mac(p.source_before())) return nullptr;
  if (!p.walk.effects.copy_to.empty()) return "a frame from a DVR MAC was flooded";
  if (p.walk.effects.learn.asked) return "a DVR MAC was learned";
  if (p.is_output() && p.last() != StageId::dvr_to_src_mac)
    return "a frame from a DVR MAC went somewhere else than to a known local port";
  const auto* gateway = p.tables.find<SnatGatewayRow>({p.local_vlan(), p.walk.dst()});
  if (p.is_output() && p.is_router_mac(p.walk.dst()) && (gateway == nullptr || !gateway->is_here()))
    return "a frame from the tunnel reached a router whose source NAT is not done here";
  return nullptr;
}

inline Broken broken_reply(const Passage& p) {
  if (!p.is_output()) return nullptr;
  const bool is_reply = p.is_answer();
  if (is_reply && p.walk.packet.out_port != p.arrival.port) return "an answer does not go to who asked";
  if (!is_reply && !p.from_tunnel() && p.walk.packet.out_port == p.arrival.port)
    return "a frame went back to its sender";
  return nullptr;
}

// Forwarding edits the source MAC and, from the tunnel, the ECN bits; routing edits what the slow twin does;
// everything else goes on as it came.
inline Broken broken_bytes(const Passage& p) {
  if (!p.is_output() || p.is_answer()) return nullptr;
  // The clock tick from a router's port has become an advertisement: ra_responder_test.cc looks at its bytes.
  if (p.passed(StageId::ra_responder) && p.walk.effects.copy_to_vteps.empty() && !p.from_tunnel() &&
      p.walk.frame.size() > 54 && p.walk.frame[54] == 134)
    return nullptr;
  const size_t skip = p.from_tunnel() ? kVxlanHeaderBytes : 0;
  Bytes expected(p.before.begin() + static_cast<ptrdiff_t>(skip), p.before.end());
  if (p.routed) expected = p.routed->frame;
  const bool was_tagged = is_uplink(p.tables, p.arrival.port) && expected[12] == 0x81 && expected[13] == 0;
  if (was_tagged) expected.erase(expected.begin() + 12, expected.begin() + 16);
  if (expected.size() != p.walk.frame.size()) return "forwarding changed the length of a frame";
  for (size_t at = 0; at < expected.size(); ++at) {
    const bool may_differ = (at >= 6 && at < 12) || (p.from_tunnel() && (at == 15 || at == 24 || at == 25));
    if (!may_differ && expected[at] != p.walk.frame[at])
      return "forwarding changed a byte it has no business with";
  }
  return nullptr;
}

inline Broken broken_passage(const Passage& p) {
  for (const auto check : {broken_verdict, broken_split_horizon, broken_membership, broken_route, broken_wire, broken_br_ex, broken_flood,
                           broken_dvr_mac, broken_reply, broken_bytes})
    if (const Broken broken = check(p)) return broken;
  return nullptr;
}

// The lists that a batch derives, recomputed the slow way from the rows.
inline Broken broken_derivation(const Tables& tables) {
  std::vector<std::set<PortId>> ports(4096), vm_ports(4096), ex_ports(4096);
  std::vector<std::set<IpAddr>> vteps(4096);
  tables.of<FloodRow>().for_each([&](const FloodRow::Key& key, const auto&) {
    ports[key.local_vlan.value].insert(key.port);
    const auto* port = tables.find<PortRow>({key.port});
    if (port != nullptr && port->kind != PortKind::router) vm_ports[key.local_vlan.value].insert(key.port);
  });
  tables.of<ExFloodRow>().for_each(
      [&](const ExFloodRow::Key& key, const auto&) { ex_ports[key.local_vlan.value].insert(key.port); });
  tables.of<FloodToTunRow>().for_each(
      [&](const FloodToTunRow::Key& key, const auto&) { vteps[key.local_vlan.value].insert(key.vtep); });
  for (uint16_t vlan = 0; vlan <= 4095; ++vlan) {
    if (!std::ranges::equal(tables.flood_ports({vlan}), ports[vlan])) return "flood_ports";
    if (!std::ranges::equal(tables.flood_vm_ports({vlan}), vm_ports[vlan])) return "flood_vm_ports";
    if (!std::ranges::equal(tables.ex_flood_ports({vlan}), ex_ports[vlan])) return "ex_flood_ports";
    if (!std::ranges::equal(tables.flood_vteps({vlan}), vteps[vlan])) return "flood_vteps";
  }
  std::set<uint16_t, std::greater<>> bits;
  tables.of<AllowedSourceRow>().for_each([&](const auto& key, const auto&) { bits.insert(key.prefix_bits); });
  if (!std::ranges::equal(tables.allowed_prefix_bits, bits)) return "allowed_prefix_bits";
  std::map<std::tuple<uint16_t, bool, uint16_t>, uint32_t> lengths, derived;
  tables.of<RoutesRow>().for_each([&](const RoutesRow::Key& key, const auto&) {
    ++lengths[{key.router.value, key.ip.is_v4(), key.prefix_bits}];
  });
  for (uint16_t router = 0; router < kRouterLimit; ++router)
    for (const bool is_v4 : {false, true}) {
      const auto list = tables.route_lengths({router}, is_v4);
      if (!std::ranges::is_sorted(list, std::greater<>(), &RouteLength::bits)) return "order of route_lengths";
      for (const RouteLength& length : list) derived[{router, is_v4, length.bits}] = length.routes;
    }
  if (lengths != derived) return "route_lengths";
  if (!tables.own_dvr_mac.is_zero()) {
    const auto* row = tables.find<DvrMacRow>({tables.own_dvr_mac});
    if (row == nullptr || !row->own) return "own_dvr_mac";
  }
  return nullptr;
}

}  // namespace dvr::test
