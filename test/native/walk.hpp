// Runs a frame through the real pipeline, or one stage, and says what happened in words:
//
//   walk(*cn1(), kCn1.red.vm_port, frame).text
//   "classify anti_spoof arp_responder find_router route > port 20"
//   "… flood dvr_process ucast_to_tun flood_to_tun vxlan_encap > ports 20, vteps 172.16.0.12 vni 101"
//   "classify > drop vlan_tagged"
#pragma once

#include <algorithm>
#include <string>

#include "base/json.hpp"
#include "nodes.hpp"
#include "pipeline/entry.hpp"
#include "pipeline/runner.hpp"
#include "pipeline/stage_names.hpp"

namespace dvr::test {

// Of a drop that no stage gave a reason: any value that is no reason.
inline constexpr auto kNoReason = static_cast<DropReason>(0xff);

inline const char* name_of(DropReason reason) {
  const auto at = static_cast<size_t>(reason);
  return at < kDropReasonCount ? kDropReasons[at].name : "without a reason";
}

// The policy of the tests: which stages a packet passed.
struct Trail {
  std::vector<StageId> stages;
  size_t bad_edges = 0;
  void enter(StageId stage, const Packet&, const Effects&) { stages.push_back(stage); }
  void leave(StageId stage, StageId next, const Packet&, const Effects&) {
    if ((kPipeline[static_cast<size_t>(stage)].next >> static_cast<unsigned>(next) & 1) == 0) ++bad_edges;
  }
  void leaves_bridge(Bridge, const Packet&) {}
};

// How a frame comes to the pipeline: by a port, or with the outer header's marks from a VTEP.
struct Arrival {
  PortId port;
  IpAddr vtep{};
  uint8_t tos = 0;
  Offload offload{};
  size_t tailroom = 0;
  Arrival(PortId by) : port(by) {}  // NOLINT: a port is an arrival
  Arrival(const IpAddr& from, uint8_t outer_tos = 0) : port(kTunnelPort), vtep(from), tos(outer_tos) {}
};

inline Packet packet_of(Buffer& buffer, const Arrival& arrival) {
  Packet packet;
  packet.frame = buffer.frame();
  packet.tailroom = arrival.tailroom;
  packet.in_port = arrival.port;
  packet.outer.vtep = arrival.vtep;
  packet.outer.tos = arrival.tos;
  packet.offload = arrival.offload;
  packet.drop_reason = kNoReason;
  return packet;
}

inline std::string verdict_text(StageId verdict, const Packet& packet, const Effects& effects) {
  if (verdict != StageId::output && verdict != StageId::drop) return stage_name(verdict);
  std::string ports, vteps;
  for (const PortId port : effects.copy_to)
    if (port != packet.in_port) ports += ' ' + std::to_string(port.value);
  for (const IpAddr& vtep : effects.copy_to_vteps) vteps += ' ' + text_of(vtep);
  std::string text;
  const auto say = [&](const std::string& what) { text += (text.empty() ? "" : ", ") + what; };
  if (verdict == StageId::drop) say(std::string("drop ") + name_of(packet.drop_reason));
  if (!ports.empty()) say("ports" + ports);
  if (verdict == StageId::drop) return text;
  if (packet.out_port == kTunnelPort) say("vtep " + text_of(packet.outer.vtep));
  else if (packet.out_port != kNoPort) say("port " + std::to_string(packet.out_port.value));
  if (!vteps.empty()) say("vteps" + vteps);
  if (packet.tag_at(packet.out_port) != 0) text += " vlan " + std::to_string(packet.provider_vlan);
  if (packet.encapsulated) text += " vni " + std::to_string(packet.vni.value);
  return text.empty() ? "nothing" : text;
}

struct Walk {
  std::string text;
  StageId verdict{};
  Packet packet;
  Effects effects;
  Trail trail;
  Bytes frame;         // as it is at the end
  Bytes vxlan_header;  // what stands in front of it, where it was encapsulated
  bool intact = false;

  MacAddr dst() const { return mac_at(0); }
  MacAddr src() const { return mac_at(6); }

 private:
  MacAddr mac_at(size_t at) const {
    MacAddr mac;
    std::copy_n(frame.begin() + static_cast<ptrdiff_t>(at), 6, mac.bytes.begin());
    return mac;
  }
};

inline Walk walk(const Tables& tables, const Arrival& arrival, const Bytes& bytes) {
  Buffer buffer(bytes, arrival.tailroom);
  Walk result;
  result.packet = packet_of(buffer, arrival);
  result.verdict = run_pipeline(entry_of(arrival.port, tables), result.packet, tables, result.effects, result.trail);
  for (const StageId stage : result.trail.stages) result.text += std::string(stage_name(stage)) + ' ';
  result.text += "> " + verdict_text(result.verdict, result.packet, result.effects);
  const auto frame = result.packet.frame;
  result.frame.assign(frame.begin(), frame.end());
  if (result.packet.encapsulated) result.vxlan_header.assign(frame.data() - kVxlanHeaderBytes, frame.data());
  result.intact = buffer.intact();
  return result;
}

// One stage on its own: the stage it names next, or the verdict as above. `prepare` sets the metadata that
// the stages before it would have left.
template <class Prepare>
std::string step(StageFunction stage, const Tables& tables, const Arrival& arrival, const Bytes& bytes,
                 Prepare&& prepare) {
  Buffer buffer(bytes, arrival.tailroom);
  Packet packet = packet_of(buffer, arrival);
  prepare(packet);
  Effects effects;
  const StageId next = stage(packet, tables, effects);
  return buffer.intact() ? verdict_text(next, packet, effects) : "wrote outside its buffer";
}
inline std::string step(StageFunction stage, const Tables& tables, const Arrival& arrival, const Bytes& bytes,
                        LocalVlan local_vlan = {}) {
  return step(stage, tables, arrival, bytes, [&](Packet& packet) { packet.local_vlan = local_vlan; });
}

}  // namespace dvr::test
