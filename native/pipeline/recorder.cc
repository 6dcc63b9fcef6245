#include "pipeline/recorder.hpp"

#include <algorithm>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "pipeline/stage_names.hpp"

namespace dvr {
namespace {

uint16_t copy_header(std::span<const uint8_t> frame, std::array<uint8_t, kTraceHeaderBytes>& into) {
  const size_t bytes = std::min(frame.size(), into.size());
  std::copy_n(frame.begin(), bytes, into.begin());
  return static_cast<uint16_t>(bytes);
}

template <class T>
uint8_t copy_some(std::span<const T> from, std::array<T, kTraceCopies>& into) {
  const size_t count = std::min(from.size(), into.size());
  std::copy_n(from.begin(), count, into.begin());
  return static_cast<uint8_t>(count);
}

void write_record(JsonWriter& json, const TraceRecord& record) {
  json.open('{').name("timeNs").number(record.time_ns).name("passage").number(record.passage);
  json.name("stage").string(stage_name(record.stage)).name("next").string(stage_name(record.next));
  if (record.next == StageId::drop)
    json.name("dropReason").string(kDropReasons[static_cast<size_t>(record.drop_reason)].name);
  json.name("inPort").number(record.in_port.value).name("outPort").number(record.out_port.value);
  json.name("localVlan").open('{').name("before").number(record.local_vlan_before.value);
  json.name("after").number(record.local_vlan_after.value).close('}');
  json.name("vni").number(record.vni.value).name("vtep").string(text_of(record.vtep));
  json.name("before").string(base64_of({record.before.data(), record.before_bytes}));
  json.name("after").string(base64_of({record.after.data(), record.after_bytes}));
  json.name("frameBytes").number(record.frame_bytes).name("gsoBytes").number(record.gso_bytes);
  json.name("copyToPorts").open('[');
  for (size_t at = 0; at < record.port_count; ++at) json.number(record.copy_to_ports[at].value);
  json.close(']').name("copyToVteps").open('[');
  for (size_t at = 0; at < record.vtep_count; ++at) json.string(text_of(record.copy_to_vteps[at]));
  json.close(']').close('}');
}

}  // namespace

void Recorder::enter(StageId stage, const Packet& packet, const Effects&) {
  TraceRecord& record = records_[count_];
  record.passage = passage_;
  record.stage = stage;
  record.local_vlan_before = packet.local_vlan;
  // Both pictures show the Ethernet frame, so that they can be compared: vxlan_decap's input has the
  // VXLAN header in front of it.
  const size_t skip = stage == StageId::vxlan_decap ? std::min(kVxlanHeaderBytes, packet.frame.size()) : 0;
  record.before_bytes = copy_header(packet.frame.subspan(skip), record.before);
}

void Recorder::leave(StageId, StageId next, const Packet& packet, const Effects& effects) {
  TraceRecord& record = records_[count_++];
  record.time_ns = monotonic_ns();
  record.next = next;
  record.drop_reason = packet.drop_reason;
  record.in_port = packet.in_port;
  record.out_port = packet.out_port;
  record.local_vlan_after = packet.local_vlan;
  record.vni = packet.vni;
  record.vtep = packet.outer.vtep;
  record.frame_bytes = static_cast<uint32_t>(packet.frame.size());
  record.gso_bytes = packet.offload.gso_bytes;
  record.after_bytes = copy_header(packet.frame, record.after);
  record.port_count = copy_some(effects.copy_to, record.copy_to_ports);
  record.vtep_count = copy_some(effects.copy_to_vteps, record.copy_to_vteps);
}

std::string trace_json(std::span<const TraceRecord> records, uint64_t lost) {
  JsonWriter json;
  json.open('{').name("records").open('[');
  for (const TraceRecord& record : records) write_record(json, record);
  json.close(']').name("lost").number(lost).close('}');
  return json.take();
}

}  // namespace dvr
