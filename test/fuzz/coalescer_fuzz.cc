// The coalescer under packets of a few flows, each a little changed: joined and cut again they are what they were,
// in their order, and no byte beside them is touched (joining.hpp).
//   a packet: byte 0 kind (2 bits), stream (2), what is changed (4) · 1 how · 2 payload bytes, where changed
#include "../native/joining.hpp"
#include "input.hpp"

namespace dvr::test {
namespace {

constexpr int kMaxPackets = 200;

struct Stream {
  uint32_t seq = 0;
  uint16_t id = 0;
};

void change(FlowFields& fields, uint8_t what, Input& input) {
  const uint8_t how = what == 0 ? 0 : input.byte();
  switch (what) {
    case 1: fields.flags = static_cast<uint8_t>(how & 0x0f ? kAck | kPsh : how | kAck); break;
    case 2: fields.payload_bytes = how; break;
    case 3: fields.ttl = how; break;
    case 4: fields.tos = how; break;
    case 5: fields.seq += how; break;
    case 6: fields.ack += how; break;
    case 7: fields.options.resize(how % 11 * 4, 1); break;
    case 8: fields.id = static_cast<uint16_t>(fields.id + how); break;
    case 9: fields.df = false, fields.fixed_id = (how & 1) != 0; break;
    case 10: fields.spoil_checksum = how; break;
    case 11: fields.spoil_ip_checksum = how; break;
    case 12: fields.padding_bytes = how % 8, fields.length_error = how / 8; break;
    case 13: fields.fragment_offset = how & 15, fields.ip_option_words = how >> 6; break;
    case 14: fields.flow_label = how, fields.urgent = how, fields.reserved = how & 15; break;
    default: break;
  }
}

void offer_one(Input& input, Joining& joining, Stream (&streams)[4][4]) {
  const uint8_t head = input.byte();
  FlowFields fields{.kind = static_cast<Kind>(head & 3)};
  Stream& stream = streams[head & 3][head >> 2 & 3];
  fields.src_port = static_cast<uint16_t>(1000 + (head >> 2 & 3));
  fields.fill = head;
  fields.payload_bytes = 20;
  fields.fixed_id = (head & 4) != 0;
  fields.seq += stream.seq, fields.id = static_cast<uint16_t>(fields.id + stream.id);
  change(fields, head >> 4, input);
  stream.seq += static_cast<uint32_t>(fields.payload_bytes);
  if (!fields.fixed_id) ++stream.id;

  Bytes frame = packet_of(fields);
  if (head >> 4 != 15) return void(joining.offer(frame));
  // Any byte may be any other: lengths, versions, protocols.
  const uint8_t at = input.byte();
  if (at < frame.size()) frame[at] = input.byte();
  const Joins joins{.tso = (at & 1) == 0, .uso = (at & 2) == 0};
  joining.offer(frame, {static_cast<uint16_t>(16 + (at & 1))}, at % 16 == 7 ? joins : kBoth);
}

}  // namespace
}  // namespace dvr::test

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t bytes) {
  using namespace dvr::test;
  Input input(data, bytes);
  Joining joining;
  Stream streams[4][4];
  for (int count = 0; count < kMaxPackets && !input.rest().empty(); ++count) offer_one(input, joining, streams);
  joining.flush();
  must_hold(joining.broken());
  return 0;
}
