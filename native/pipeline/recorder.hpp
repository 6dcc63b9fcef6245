// The recording policy: what `dvr walk` sees is the forwarding runner with this looking on.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>

#include "pipeline/pipeline.hpp"

namespace dvr {

inline constexpr size_t kTraceHeaderBytes = 128;  // of the frame, before and after each stage
inline constexpr size_t kTraceCopies = 16;        // ports and VTEPs of a flood that a record names

// One stage passed by one packet.
struct TraceRecord {
  uint64_t time_ns = 0;  // CLOCK_MONOTONIC when the stage was left
  uint32_t passage = 0;
  StageId stage{};
  StageId next{};
  DropReason drop_reason{};
  PortId in_port, out_port;
  LocalVlan local_vlan_before, local_vlan_after;
  Vni vni;
  IpAddr vtep;
  uint32_t frame_bytes = 0;
  uint16_t gso_bytes = 0;
  uint16_t before_bytes = 0, after_bytes = 0;
  std::array<uint8_t, kTraceHeaderBytes> before{}, after{};
  uint8_t port_count = 0, vtep_count = 0;
  std::array<PortId, kTraceCopies> copy_to_ports{};
  std::array<IpAddr, kTraceCopies> copy_to_vteps{};
};

// Records one passage: at most one record a stage.
class Recorder {
 public:
  explicit Recorder(uint32_t passage) : passage_(passage) {}

  void enter(StageId stage, const Packet& packet, const Effects&);
  void leave(StageId stage, StageId next, const Packet& packet, const Effects& effects);
  void leaves_bridge(Bridge, const Packet&) {}

  std::span<const TraceRecord> records() const { return {records_.data(), count_}; }

 private:
  uint32_t passage_;
  size_t count_ = 0;
  std::array<TraceRecord, kStageCount> records_{};
};

// {"records":[TraceRecord…],"lost":n} in the shape of src/dataplane/interface.ts.
std::string trace_json(std::span<const TraceRecord> records, uint64_t lost);

}  // namespace dvr
