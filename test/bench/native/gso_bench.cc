// What is done to packets around the pipeline: trains, cutting super-frames and joining them, checksums.
#include <memory>

#include "../../native/gro_cases.hpp"
#include "base/checksum.hpp"
#include "bench.hpp"
#include "gso/coalescer.hpp"
#include "gso/recover_offload.hpp"
#include "gso/segment.hpp"
#include "gso/train.hpp"
#include "passages.hpp"

namespace dvr::bench {
namespace {

using namespace dvr::test;

std::vector<Bytes> packets_of_flows(Kind kind, size_t count, size_t payload_bytes, size_t flows) {
  std::vector<Bytes> packets;
  for (size_t index = 0; index < count; ++index) {
    FlowFields fields{.kind = kind};
    const size_t nth = index / flows;
    fields.src_port = static_cast<uint16_t>(fields.src_port + index % flows);
    fields.seq += static_cast<uint32_t>(nth * payload_bytes);
    fields.id = static_cast<uint16_t>(fields.id + nth);
    fields.payload_bytes = payload_bytes;
    packets.push_back(packet_of(fields));
  }
  return packets;
}

// Offers the packets and flushes, as after one receive; headers are put back in between.
Case join(const char* name, Kind kind, size_t count, size_t payload_bytes, size_t flows) {
  struct State {
    std::vector<Bytes> sent, buffers;
    Coalescer coalescer;
  };
  const auto state = std::make_shared<State>();
  state->sent = state->buffers = packets_of_flows(kind, count, payload_bytes, flows);
  const auto prepare = [=] { std::copy(state->sent.begin(), state->sent.end(), state->buffers.begin()); };
  const auto run = [=] {
    const auto write = [](Run& run) { keep(run.bytes); };
    for (Bytes& buffer : state->buffers) {
      Packet packet;
      packet.frame = buffer;
      keep(state->coalescer.offer(PortId{16}, {.tso = true, .uso = true}, packet, write));
    }
    state->coalescer.flush(write);
  };
  return {name, count, prepare, run};
}

std::vector<Case> coalescer() {
  return {join("TCP of 1448 bytes, a super-frame", Kind::tcp4, 42, 1448, 1),
          join("UDP of 64 bytes, one flow", Kind::udp4, 64, 64, 1),
          join("UDP of 64 bytes, 64 flows in turn", Kind::udp4, 256, 64, 64),
          join("UDP of 64 bytes, 256 flows in turn (none joined)", Kind::udp4, 256, 64, 256)};
}

std::vector<Case> trains() {
  struct State {
    std::vector<Bytes> datagrams{kBatch, Bytes(120)};
    Trains trains;
  };
  const auto append_to = [](const char* name, uint32_t flows) {
    const auto state = std::make_shared<State>();
    return Case{name, kBatch, [] {}, [=] {
                  const auto send = [](const Outer&, const Train& train) { keep(train.segments); };
                  Outer to;
                  to.vtep = kVtep2;
                  for (size_t at = 0; at < kBatch; ++at) {
                    to.flow_hash = static_cast<uint32_t>(at) % flows;
                    state->trains.append(to, state->datagrams[at], kMaxTrainSegments, send);
                  }
                  state->trains.flush(send);
                }};
  };
  return {append_to("append, one source port", 1), append_to("append, 16 source ports in turn", 16)};
}

std::vector<Case> segmenter() {
  struct State {
    Bytes buffer;
    Packet packet;
    Segmenter segmenter;
  };
  const auto state = std::make_shared<State>();
  FlowFields fields;
  fields.payload_bytes = 42 * 1448;
  const Bytes frame = packet_of(fields);
  state->buffer.resize(kHeadroom + frame.size());
  std::copy(frame.begin(), frame.end(), state->buffer.begin() + kHeadroom);
  state->packet.frame = std::span(state->buffer).subspan(kHeadroom);
  state->packet.offload = {GsoType::tcp_v4, false, true, 1448, 66, 34, 16};
  state->packet.encapsulated = true;
  return {{"cut 60 816 bytes of TCP, with 42 checksums", 1, [] {}, [=] {
             keep(state->segmenter.begin(state->packet));
             for (Train train = state->segmenter.next(); train.segments > 0; train = state->segmenter.next())
               keep(train.total_bytes);
           }}};
}

std::vector<Case> checksum() {
  const auto sum = [](const char* name, size_t bytes, size_t times, auto add) {
    const auto buffer = std::make_shared<Bytes>(bytes, 0x5a);
    return Case{name, times, [] {}, [=] {
                  for (size_t count = times; count > 0; --count) keep(add(0, *buffer));
                }};
  };
  return {sum("20 bytes", 20, 256, checksum_add), sum("1448 bytes", 1448, 64, checksum_add),
          sum("60 800 bytes", 60800, 1, checksum_add),
          sum("60 800 bytes without AVX2", 60800, 1, checksum_add_baseline)};
}

std::vector<Case> recover() {
  const auto frame = std::make_shared<Bytes>(packet_of({.payload_bytes = 64}));
  return {{"recover_checksum", kBatch, [] {}, [=] {
             for (size_t at = 0; at < kBatch; ++at) keep(recover_checksum(*frame));
           }}};
}

const Benches kCoalescer("coalescer", coalescer), kTrains("trains", trains), kSegmenter("segmenter", segmenter),
    kChecksum("checksum", checksum), kRecover("receive", recover);

}  // namespace
}  // namespace dvr::bench
