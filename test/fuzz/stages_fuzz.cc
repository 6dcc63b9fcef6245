// Each stage alone, with metadata that the stages before it may never have left: it names a stage that the
// pipeline table allows, gives a reason with a drop, and touches nothing outside its buffer.
//   byte 0 stage · 1 tables · 2 port · 3 local VLAN · 4 VNI · 5 outer TOS · 6 router ·
//   7 offload (+3 bytes) · then the frame
#include "input.hpp"

namespace dvr::test {
namespace {

Broken broken_step(const PipelineRow& row, const Tables& tables, Packet& packet, const Buffer& buffer) {
  Effects effects;
  const StageId next = row.function(packet, tables, effects);
  if ((row.next >> static_cast<unsigned>(next) & 1) == 0)
    return "a stage named a stage that its row does not allow";
  const bool has_reason = static_cast<size_t>(packet.drop_reason) < kDropReasonCount;
  if ((next == StageId::drop) != has_reason) return "a drop has no reason, or another verdict has one";
  if (!buffer.intact()) return "bytes outside the frame and its headroom were written";
  if (!buffer.contains(packet.frame)) return "the frame is no longer in its buffer";
  const bool answers =
      row.id == StageId::arp_responder || row.id == StageId::ra_responder;  // to who asked; classify lets nobody ask by the tunnel
  if (packet.from_tunnel() && row.bridge == Bridge::br_int && !answers && packet.out_port == kTunnelPort)
    return "split horizon: br-int sends to the tunnel what came from it";
  return nullptr;
}

}  // namespace
}  // namespace dvr::test

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t bytes) {
  using namespace dvr::test;
  if (bytes > dvr::kMaxFrameBytes) return -1;

  Input input(data, bytes);
  const dvr::PipelineRow& row = dvr::kPipeline[input.byte() % dvr::kStageCount];
  const dvr::Tables& tables = tables_of(input.byte());
  Arrival arrival = port_of(input.byte());
  arrival.vtep = kVtep2;
  const dvr::LocalVlan local_vlan{static_cast<uint16_t>(input.byte() % 10)};
  const dvr::Vni vni{input.byte()};
  arrival.tos = input.byte();
  const dvr::RouterId router{input.byte()};
  arrival.tailroom = tailroom_of(arrival);
  arrival.offload = offload_of(input);
  Buffer buffer(input.rest(), arrival.tailroom);
  dvr::Packet packet = packet_of(buffer, arrival);
  packet.local_vlan = local_vlan;
  packet.vni = vni;
  packet.router = router;
  must_hold(broken_step(row, tables, packet, buffer));
  return 0;
}
