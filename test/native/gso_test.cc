// Super-frames and checksums: what is cut must be what the kernel would have cut.
#include <doctest/doctest.h>

#include <memory>
#include <vector>

#include "base/checksum.hpp"
#include "gso/datagrams.hpp"
#include "gso/finish_checksum.hpp"
#include "gso/recover_offload.hpp"
#include "gso/segment.hpp"

using namespace dvr;

namespace {

constexpr uint8_t kTcp = 6, kUdp = 17;

// A frame with a VXLAN header's room in front, transport checksum unfinished, as a TAP gives it.
struct Frame {
  std::vector<uint8_t> buffer;
  Packet packet;
};

uint16_t pseudo_sum(bool v4, const uint8_t* ip, uint8_t protocol, size_t bytes) {
  const uint64_t addresses = v4 ? checksum_add(0, {ip + 12, 8}) : checksum_add(0, {ip + 8, 32});
  return checksum_fold(addresses + protocol + bytes);
}

Frame make_frame(bool v4, uint8_t protocol, size_t payload_bytes, uint8_t tcp_flags = 0x10) {
  const size_t ip_bytes = v4 ? 20 : 40, transport_bytes = protocol == kTcp ? 32 : 8;
  const size_t start = 14 + ip_bytes, header_bytes = start + transport_bytes;
  Frame frame;
  frame.buffer.resize(kHeadroom + header_bytes + payload_bytes);
  uint8_t* at = frame.buffer.data() + kHeadroom;
  frame.packet.frame = {at, header_bytes + payload_bytes};
  store_be16(at + 12, v4 ? 0x0800 : 0x86dd);
  uint8_t* ip = at + 14;
  const size_t after_ip = transport_bytes + payload_bytes;
  if (v4) {
    ip[0] = 0x45;
    store_be16(ip + 2, static_cast<uint16_t>(20 + after_ip));
    store_be16(ip + 4, 0xfffe);  // the identification wraps on the way
    ip[8] = 64, ip[9] = protocol;
    for (int i = 12; i < 20; ++i) ip[i] = static_cast<uint8_t>(i);
    store_be16(ip + 10, checksum_finish(checksum_add(0, {ip, 20})));
  } else {
    ip[0] = 0x60;
    store_be16(ip + 4, static_cast<uint16_t>(after_ip));
    ip[6] = protocol, ip[7] = 64;
    for (int i = 8; i < 40; ++i) ip[i] = static_cast<uint8_t>(i);
  }
  uint8_t* transport = at + start;
  if (protocol == kTcp) {
    store_be32(transport + 4, 0xfffffff0);  // the sequence number wraps too
    transport[12] = 8 << 4;
    transport[13] = tcp_flags;
  } else {
    store_be16(transport + 4, static_cast<uint16_t>(after_ip));
  }
  for (size_t i = 0; i < payload_bytes; ++i) at[header_bytes + i] = static_cast<uint8_t>(i * 7 + i / 256);
  Offload& offload = frame.packet.offload;
  offload.needs_csum = true;
  offload.csum_start = static_cast<uint16_t>(start);
  offload.csum_offset = protocol == kTcp ? 16 : 6;
  store_be16(transport + offload.csum_offset, pseudo_sum(v4, ip, protocol, after_ip));
  return frame;
}

Frame make_super_frame(bool v4, uint8_t protocol, size_t payload_bytes, uint16_t gso_bytes, uint8_t flags = 0x10) {
  Frame frame = make_frame(v4, protocol, payload_bytes, flags);
  Offload& offload = frame.packet.offload;
  offload.gso = protocol == kUdp ? GsoType::udp_l4 : v4 ? GsoType::tcp_v4 : GsoType::tcp_v6;
  offload.gso_bytes = gso_bytes;
  offload.header_bytes = static_cast<uint16_t>(offload.csum_start + (protocol == kTcp ? 32 : 8));
  frame.packet.encapsulated = true;
  return frame;
}

// The segments as Ethernet frames, in order, and how many trains carried them.
struct Cut {
  std::vector<std::vector<uint8_t>> segments;
  std::vector<size_t> train_sizes;
};

Cut cut(const Packet& packet, size_t limit = kMaxTrainSegments) {
  Cut all;
  auto segmenter = std::make_unique<Segmenter>();
  REQUIRE(segmenter->begin(packet));
  for (Train train = segmenter->next(limit); train.segments > 0; train = segmenter->next(limit)) {
    CHECK(train.total_bytes <= kMaxTrainBytes);
    all.train_sizes.push_back(train.segments);
    for (size_t at = 0; at < train.segments; ++at) {
      std::vector<uint8_t> bytes;
      for (const iovec& piece : train.pieces.subspan(at * 2, 2))
        bytes.insert(bytes.end(), static_cast<uint8_t*>(piece.iov_base),
                     static_cast<uint8_t*>(piece.iov_base) + piece.iov_len);
      CHECK((bytes.size() == train.segment_bytes || at + 1 == train.segments));
      all.segments.emplace_back(bytes.begin() + kVxlanHeaderBytes, bytes.end());
    }
  }
  return all;
}

// The whole checksum of a frame is right when everything it covers sums to all ones.
bool transport_checksum_is_right(const std::vector<uint8_t>& frame) {
  const bool v4 = load_be16(&frame[12]) == 0x0800;
  const uint8_t* ip = &frame[14];
  const size_t start = v4 ? 34 : 54;
  const std::span<const uint8_t> transport(&frame[start], frame.size() - start);
  return checksum_fold(checksum_add(pseudo_sum(v4, ip, v4 ? ip[9] : ip[6], transport.size()), transport)) == 0xffff;
}

// As a worker asks.
Offload recover_offload(std::span<const uint8_t> frame, uint16_t mtu_bytes, uint16_t inner_gso_bytes) {
  Offload offload = recover_checksum(frame);
  if (offload.needs_csum) recover_super_frame(frame, mtu_bytes, inner_gso_bytes, offload);
  return offload;
}

}  // namespace

TEST_CASE("A TSO frame is cut into segments whose headers and checksums are right (IPv4 and IPv6)") {
  for (const bool v4 : {true, false}) {
    CAPTURE(v4);
    const size_t header_bytes = v4 ? 66 : 86;
    const Frame frame = make_super_frame(v4, kTcp, 3333, 1000);
    const Cut all = cut(frame.packet);
    REQUIRE(all.segments.size() == 4);
    size_t payload_at = 0;
    for (size_t at = 0; at < 4; ++at) {
      const auto& segment = all.segments[at];
      const size_t payload_bytes = segment.size() - header_bytes;
      CHECK(payload_bytes == (at == 3 ? 333 : 1000));
      CHECK(load_be32(&segment[header_bytes - 32 + 4]) == static_cast<uint32_t>(0xfffffff0 + payload_at));
      CHECK(transport_checksum_is_right(segment));
      if (v4) {
        CHECK(load_be16(&segment[16]) == segment.size() - 14);
        CHECK(load_be16(&segment[18]) == static_cast<uint16_t>(0xfffe + at));
        CHECK(checksum_fold(checksum_add(0, {&segment[14], 20})) == 0xffff);
      } else {
        CHECK(load_be16(&segment[18]) == segment.size() - 54);
      }
      CHECK(std::equal(segment.begin() + static_cast<long>(header_bytes), segment.end(),
                       frame.packet.frame.begin() + static_cast<long>(header_bytes + payload_at)));
      payload_at += payload_bytes;
    }
  }
}

TEST_CASE("FIN and PSH stay on the last segment only, CWR on the first only (RFC 3168 section 6.1.2)") {
  const Cut all = cut(make_super_frame(true, kTcp, 3000, 1000, 0x80 | 0x10 | 0x08 | 0x01).packet);
  REQUIRE(all.segments.size() == 3);
  CHECK(all.segments[0][34 + 13] == (0x80 | 0x10));
  CHECK(all.segments[1][34 + 13] == 0x10);
  CHECK(all.segments[2][34 + 13] == (0x10 | 0x08 | 0x01));
}

TEST_CASE("A USO frame is cut into datagrams with their own length, and a zero checksum becomes 0xffff (RFC 768)") {
  for (const bool v4 : {true, false}) {
    CAPTURE(v4);
    const size_t start = v4 ? 34 : 54;
    const Cut all = cut(make_super_frame(v4, kUdp, 250, 100).packet);
    REQUIRE(all.segments.size() == 3);
    CHECK(load_be16(&all.segments[0][start + 4]) == 108);
    CHECK(load_be16(&all.segments[2][start + 4]) == 58);
    for (const auto& segment : all.segments) {
      CHECK(transport_checksum_is_right(segment));
      CHECK(load_be16(&segment[start + 6]) != 0);
    }
  }
}

TEST_CASE("A super-frame leaves in trains of at most as many segments as the kernel takes, and 65507 bytes") {
  CHECK(cut(make_super_frame(true, kTcp, 60000, 1448).packet).train_sizes == std::vector<size_t>{42});
  CHECK(cut(make_super_frame(true, kTcp, 65000, 1448).packet).train_sizes == std::vector<size_t>{43, 2});
  const Frame small = make_super_frame(true, kTcp, 20000, 100);
  CHECK(cut(small.packet).train_sizes == std::vector<size_t>{128, 72});
  CHECK(cut(small.packet, kShortTrainSegments).train_sizes == std::vector<size_t>{64, 64, 64, 8});
  CHECK(cut(make_super_frame(true, kTcp, 3000, 1000).packet, 1).train_sizes == std::vector<size_t>{1, 1, 1});
}

TEST_CASE("A super-frame whose offload contradicts its bytes is not cut") {
  auto segmenter = std::make_unique<Segmenter>();
  const auto is_refused = [&](auto&& spoil) {
    Frame frame = make_super_frame(true, kTcp, 3000, 1000);
    spoil(frame.packet);
    return !segmenter->begin(frame.packet);
  };
  CHECK(!is_refused([](Packet&) {}));
  CHECK(is_refused([](Packet& packet) { packet.encapsulated = false; }));
  CHECK(is_refused([](Packet& packet) { packet.offload.gso_bytes = 0; }));
  CHECK(is_refused([](Packet& packet) { packet.offload.needs_csum = false; }));
  CHECK(is_refused([](Packet& packet) { packet.offload.header_bytes = 5000; }));
  CHECK(is_refused([](Packet& packet) { packet.offload.header_bytes = 40; }));
  CHECK(is_refused([](Packet& packet) { packet.offload.csum_start = 20; }));
}

TEST_CASE("An unfinished checksum is finished before the tunnel") {
  for (const uint8_t protocol : {kTcp, kUdp}) {
    Frame frame = make_frame(true, protocol, 101);
    REQUIRE(finish_checksum(frame.packet));
    CHECK(!frame.packet.offload.needs_csum);
    CHECK(transport_checksum_is_right({frame.packet.frame.begin(), frame.packet.frame.end()}));
  }
  Frame outside = make_frame(true, kUdp, 10);
  outside.packet.offload.csum_offset = 500;
  CHECK(!finish_checksum(outside.packet));
}

TEST_CASE("A UDP checksum that comes out as zero is written as 0xffff (RFC 768)") {
  Frame frame = make_frame(true, kUdp, 2);
  // Two payload bytes that make the sum all ones.
  uint8_t* payload = &frame.packet.frame[42];
  payload[0] = payload[1] = 0;
  const uint16_t rest = checksum_fold(checksum_add(0, frame.packet.frame.subspan(34)));
  store_be16(payload, static_cast<uint16_t>(~rest));
  REQUIRE(finish_checksum(frame.packet));
  CHECK(load_be16(&frame.packet.frame[40]) == 0xffff);
}

TEST_CASE("A UDP_GRO train is taken apart into the datagrams it was made of") {
  Frame frame = make_frame(true, kTcp, 100);
  std::vector<uint8_t> one(kVxlanHeaderBytes);
  one.insert(one.end(), frame.packet.frame.begin(), frame.packet.frame.end());
  std::vector<uint8_t> train;
  for (int i = 0; i < 3; ++i) train.insert(train.end(), one.begin(), one.end());
  train.resize(train.size() - 30);  // the last may be shorter
  Datagrams datagrams(train, static_cast<uint16_t>(one.size()));
  CHECK(datagrams.next().size() == one.size());
  CHECK(datagrams.next().size() == one.size());
  CHECK(datagrams.next().size() == one.size() - 30);
  CHECK(datagrams.next().empty());
  CHECK(datagrams.inner_gso_bytes() == 0);
}

TEST_CASE("A kernel peer's inner super-frame is one datagram, whatever UDP_GRO says its segments are") {
  Frame frame = make_frame(true, kUdp, 2000);
  std::vector<uint8_t> received(kVxlanHeaderBytes);
  received.insert(received.end(), frame.packet.frame.begin(), frame.packet.frame.end());
  Datagrams datagrams(received, 100);
  CHECK(datagrams.next().size() == received.size());
  CHECK(datagrams.next().empty());
  CHECK(datagrams.inner_gso_bytes() == 100);

  const Offload offload = recover_offload(frame.packet.frame, 1500, 100);
  CHECK(offload.gso == GsoType::udp_l4);
  CHECK(offload.gso_bytes == 100);
  CHECK(offload.header_bytes == 42);
}

TEST_CASE("A kernel peer's unfinished checksum is recognised, a finished one left alone") {
  for (const bool v4 : {true, false}) {
    Frame frame = make_frame(v4, kTcp, 500);
    const Offload unfinished = recover_offload(frame.packet.frame, 1500, 0);
    CHECK(unfinished.needs_csum);
    CHECK(unfinished.csum_start == frame.packet.offload.csum_start);
    CHECK(unfinished.csum_offset == 16);
    CHECK(unfinished.gso == GsoType::none);
    REQUIRE(finish_checksum(frame.packet));
    CHECK(!recover_offload(frame.packet.frame, 1500, 0).needs_csum);
  }
}

TEST_CASE("A kernel peer's inner TCP super-frame gets the segment size that fits the network's MTU") {
  for (const bool v4 : {true, false}) {
    const Frame frame = make_frame(v4, kTcp, 14000);
    const Offload offload = recover_offload(frame.packet.frame, 1500, 0);
    CHECK(offload.gso == (v4 ? GsoType::tcp_v4 : GsoType::tcp_v6));
    CHECK(offload.gso_bytes == (v4 ? 1448 : 1428));
    CHECK(offload.header_bytes == (v4 ? 66 : 86));
  }
}

TEST_CASE("Recovering an offload never reads past the frame") {
  const Frame frame = make_frame(true, kTcp, 100);
  for (size_t bytes = 0; bytes < frame.packet.frame.size(); ++bytes) {
    const std::vector<uint8_t> cut_off(frame.packet.frame.begin(), frame.packet.frame.begin() + static_cast<long>(bytes));
    CHECK(!recover_offload(cut_off, 1500, 0).needs_csum);
  }
}
