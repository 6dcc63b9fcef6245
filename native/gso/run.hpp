// A run: consecutive packets of one flow to one port that will leave as one super-frame (TSO or USO). The first
// packet's frame lies where it was received; of the others the payload is taken, where it lies too. Nothing is
// copied, so their bytes must stay until the run is written.
//
//   pieces    ┌──────────┬───────────────────────────────┬───────────┬───────────┬─────────┐
//             │ (header) │ Ethernet · IP · TCP · payload │  payload  │  payload  │ payload │
//             └──────────┴───────────────────────────────┴───────────┴───────────┴─────────┘
//              writer's    first packet, headers mended     second      third      last: may be shorter
//
// Rules: those of Linux's GRO, one by one in test/native/coalescer_test.cc.
#pragma once

#include <sys/uio.h>

#include <array>
#include <span>

#include "gso/flow_packet.hpp"

namespace dvr {

// The IP length field's limit; the kernel's GRO has the same one.
inline constexpr size_t kMaxRunIpBytes = 65535;
// 65535 bytes of segments with an MSS of 512 bytes, so that small ones do not make a run unwieldy.
inline constexpr size_t kMaxRunSegments = 128;
// As many as the kernel's GRO joins, and as every kernel cuts again: UDP_MAX_SEGMENTS was 64 before Linux 6.10,
// and a guest drops a super-frame of more.
inline constexpr size_t kMaxUdpRunSegments = 64;

// A run that is done, for its writer; valid until the writer returns. Of a single packet nothing is changed.
struct Run {
  PortId port;
  std::span<iovec> pieces;
  Offload offload;
  size_t bytes = 0;     // of the frame
  size_t segments = 0;  // packets that went in

  // The pieces with the writer's header before them. It is a piece of its own and never put before the frame in
  // memory: there a frame out of a train has its VXLAN header and then another packet's end.
  std::span<iovec> behind(void* header, size_t header_bytes) const {
    iovec* const all = pieces.data() - 1;
    *all = {header, header_bytes};
    return {all, pieces.size() + 1};
  }
};

class OpenRun {
 public:
  // The packet has `starts_run`.
  void start(PortId port, const FlowPacket& packet);
  // Takes the packet, which is of this run's flow, if a rule allows it. Verifies what checksums must be.
  bool join(const FlowPacket& packet);
  // Nothing can follow: the last packet was shorter, or said PSH or FIN, or the run is as long as may be.
  bool is_closed() const { return closed_; }
  Run finish();

  bool is_of_flow(PortId port, const FlowPacket& packet) const;
  bool is_between(PortId port, const FlowPacket& packet) const;

 private:
  bool has_room(size_t payload_bytes) const;
  bool continues_ip(const FlowPacket& packet) const;
  bool continues_ipv4_id(const uint8_t* ip) const;
  bool continues_tcp(const FlowPacket& packet) const;
  bool is_verified();
  void mend_headers();

  FlowPacket first_;
  PortId port_;
  bool closed_ = false, verified_ = false, fixed_id_ = false;
  uint8_t last_flags_ = 0;
  size_t segments_ = 0, bytes_ = 0;
  std::array<iovec, 1 + kMaxRunSegments> pieces_;  // [0] is the writer's
};

}  // namespace dvr
