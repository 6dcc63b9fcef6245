// One packet on its way through the pipeline: its bytes, where it came from, and what the stages have
// decided about it so far. A super-frame (TSO/USO) is one Packet; its headers are edited once.
// Owned by one worker; the bytes belong to the worker's buffer and live until the burst ends.
#pragma once

#include <cstdint>
#include <span>

#include "base/drop_reason.hpp"
#include "base/types.hpp"
#include "packet/ethernet.hpp"

namespace dvr {

// What the sender left for the device to do, as virtio-net says it (virtio 1.2 section 5.1.6).
enum class GsoType : uint8_t { none = 0, tcp_v4 = 1, udp_l4 = 5, tcp_v6 = 4 };

struct Offload {
  GsoType gso = GsoType::none;
  bool ecn = false;           // TCP CWR on the first segment only (VIRTIO_NET_HDR_GSO_ECN)
  bool needs_csum = false;    // the checksum at csum_start + csum_offset holds the pseudo-header sum only
  uint16_t gso_bytes = 0;     // payload bytes of each segment
  uint16_t header_bytes = 0;  // Ethernet + IP + TCP/UDP header
  uint16_t csum_start = 0;    // from the start of the frame
  uint16_t csum_offset = 0;   // from csum_start

  friend bool operator==(const Offload&, const Offload&) = default;

  // The size, without Ethernet, of the largest packet that an Ethernet frame of this size becomes on a wire: a
  // super-frame is cut into segments on the way there.
  size_t wire_bytes(size_t frame_bytes) const {
    if (gso == GsoType::none) return frame_bytes - kEthernetBytes;
    return header_bytes - kEthernetBytes + gso_bytes;
  }
};

// The outer header's parts that stages read (rx) or decide (tx). The UDP socket makes the rest.
struct Outer {
  IpAddr vtep;            // rx: who sent it; tx: where it goes
  uint8_t tos = 0;        // rx: as received; tx: ECN by RFC 6040, DSCP 0
  uint32_t flow_hash = 0; // tx: picks the source port (RFC 7348 section 5)
};

inline constexpr size_t kHeadroom = 64;          // bytes free before `frame` in every worker buffer
inline constexpr size_t kVxlanHeaderBytes = 8;
inline constexpr size_t kMaxFrameBytes = 65536 + 14;

struct Packet {
  size_t tailroom = 0;       // bytes free behind `frame`: a stage may make it so much longer
  std::span<uint8_t> frame;  // the Ethernet frame; rx from the tunnel: first the VXLAN header, until vxlan_decap
  PortId in_port = kNoPort;
  LocalVlan local_vlan;      // set by classify or tun_to_lv, another by route, cleared by vxlan_encap
  Vni vni;                   // set by vxlan_decap and vxlan_encap
  Offload offload;
  Outer outer;

  RouterId router;                  // set by find_router: who routes it; none: the namespace does
  PortId namespace_port = kNoPort;  // set by find_router: the way into that router's namespace

  uint16_t provider_vlan = 0;  // on br-ex: the 802.1Q identifier of the network on the provider's wire; 0: none
  bool on_wire = false;        // tx: `out_port` is that wire, so the frame is written there with that tag

  PortId out_port = kNoPort;                         // where `output` sends it; kTunnelPort for the VTEP socket
  bool encapsulated = false;                         // tx: kVxlanHeaderBytes stand before `frame`
  DropReason drop_reason = DropReason::truncated;    // valid when the verdict is StageId::drop

  // The 802.1Q tag to write the frame to this port with; 0: none.
  uint16_t tag_at(PortId port) const { return on_wire && port == out_port ? provider_vlan : uint16_t{0}; }

  bool from_tunnel() const { return in_port == kTunnelPort; }

  // While `frame` is an Ethernet frame.
  size_t wire_bytes() const { return offload.wire_bytes(frame.size()); }
};

}  // namespace dvr
