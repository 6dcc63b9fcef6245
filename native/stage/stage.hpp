// What a stage is: a pure function of a packet and the tables. No I/O, clock, allocation, lock or log.
// It edits bytes and metadata, asks for effects, and names the next stage. Of a TCP or UDP packet it edits nothing
// behind the IP header, and its size decides of nothing but the stage named next, by a limit (pipeline/flow_cache.hpp).
#pragma once

#include <cstdint>
#include <span>

#include "base/types.hpp"
#include "packet/packet.hpp"

namespace dvr {

struct Tables;

// Every stage in packet order, then the two verdicts. The pipeline table (pipeline/pipeline.hpp)
// holds what is known of each; a static_assert keeps both in the same order.
enum class StageId : uint8_t {
  vxlan_decap,
  tun_to_lv,
  classify,
  dvr_to_src_mac,
  anti_spoof,
  arp_responder,
  ra_responder,
  find_router,
  route,
  switch_,
  flood,
  dvr_process,
  ucast_to_tun,
  flood_to_tun,
  vxlan_encap,
  provider_in,
  ex_switch,
  ex_flood,
  provider_out,
  output,  // verdict: send to out_port, then the effects' copies
  drop,    // verdict: drop_reason says why; the effects' copies still go out
};

inline constexpr size_t kStageCount = static_cast<size_t>(StageId::output);

// What a stage asks the worker to do beside the packet itself. Spans point into the tables, which the
// worker holds for the whole burst.
struct Effects {
  std::span<const PortId> copy_to{};        // give a copy to each of these ports, except in_port
  std::span<const IpAddr> copy_to_vteps{};  // send the encapsulated frame to each of these VTEPs
  struct Learn {
    bool asked = false;
    LocalVlan local_vlan;
    MacAddr mac;
    IpAddr vtep;
  } learn;                                  // a MAC seen behind an interop VTEP; JS decides and writes the row
  struct Announce {
    bool asked = false;
    IpAddr ip;
    MacAddr mac;
  } announce;                               // a VM says that an address is its own now; JS decides likewise

  bool any() const { return !copy_to.empty() || !copy_to_vteps.empty() || learn.asked || announce.asked; }
};

using StageFunction = StageId (*)(Packet&, const Tables&, Effects&);

inline StageId drop(Packet& packet, DropReason reason) {
  packet.drop_reason = reason;
  return StageId::drop;
}

// Turns the packet into a reply that leaves by the port it came in by.
inline StageId reply_to_in_port(Packet& packet) {
  packet.out_port = packet.in_port;
  return StageId::output;
}

inline StageId output_to(Packet& packet, PortId port) {
  packet.out_port = port;
  return StageId::output;
}

}  // namespace dvr
