// The coalescer, rule by rule (gro_cases.hpp), and that no stream of packets is changed by being joined and cut
// again.
#include <doctest/doctest.h>

#include <memory>

#include "base/bytes.hpp"
#include "gro_cases.hpp"
#include "gso/segment.hpp"
#include "joining.hpp"
#include "random_world.hpp"

using namespace dvr;
using namespace dvr::test;

namespace {

constexpr PortId kPort = kJoinPort, kOtherPort{17};

std::vector<Written> joined_of(const std::vector<Bytes>& packets) {
  Joining joining;
  for (const Bytes& packet : packets) joining.offer(packet);
  joining.flush();
  const Broken broken = joining.broken();
  CHECK_MESSAGE(broken == nullptr, broken);
  return joining.written();
}

const GroCase kPlain{"", kAll, "", [](size_t, FlowFields&) {}};

std::vector<Bytes> plain_packets(size_t count, Kind kind, void (*change)(size_t, FlowFields&) = kPlain.change) {
  GroCase plain{"", kAll, "", change};
  plain.count = count;
  return packets_of(plain, kind);
}

std::vector<size_t> segments_of(const std::vector<Written>& written) {
  std::vector<size_t> all;
  for (const Written& one : written) all.push_back(one.segments);
  return all;
}

// What Segmenter makes of a super-frame, to hold against the slow twin.
std::vector<Bytes> cut_fast(const Written& written) {
  Bytes buffer(kHeadroom);
  add(buffer, std::span<const uint8_t>(written.frame));
  Packet packet;
  packet.frame = std::span(buffer).subspan(kHeadroom);
  packet.offload = written.offload;
  packet.encapsulated = true;
  auto segmenter = std::make_unique<Segmenter>();
  REQUIRE(segmenter->begin(packet));
  std::vector<Bytes> packets;
  for (Train train = segmenter->next(); train.segments > 0; train = segmenter->next())
    for (size_t at = 0; at < train.segments; ++at) {
      const auto pieces = train.pieces.subspan(at * 2, 2);
      Bytes& one = packets.emplace_back();
      for (const iovec& piece : pieces)
        one.insert(one.end(), static_cast<uint8_t*>(piece.iov_base),
                   static_cast<uint8_t*>(piece.iov_base) + piece.iov_len);
      one.erase(one.begin(), one.begin() + kVxlanHeaderBytes);
    }
  return packets;
}

}  // namespace

TEST_CASE("The coalescer joins what the kernel's GRO joins:") {
  for (const GroCase& rule : kGroCases)
    SUBCASE(rule.rule) {
      for (const Kind kind : rule.kinds) {
        CAPTURE(name_of(kind));
        const auto packets = packets_of(rule, kind);
        CHECK(groups_of(packets, joined_of(packets)) == rule.joined);
      }
    }
}

TEST_CASE("Where the coalescer joins others than the kernel, the case says why") {
  for (const GroCase& rule : kGroCases) CHECK((rule.kernel == nullptr) == (rule.why == nullptr));
}

TEST_CASE("A super-frame's headers are those of its first packet, with whole lengths and an unfinished checksum") {
  for (const Kind kind : kAll) {
    CAPTURE(name_of(kind));
    const auto packets = plain_packets(3, kind);
    const auto written = joined_of(packets);
    REQUIRE(written.size() == 1);
    const Written& super = written[0];
    const size_t start = is_v4(kind) ? 34 : 54, header_bytes = start + (is_tcp(kind) ? 32 : 8);
    const GsoType tso = is_v4(kind) ? GsoType::tcp_v4 : GsoType::tcp_v6;
    CHECK(super.offload.gso == (is_tcp(kind) ? tso : GsoType::udp_l4));
    CHECK(super.offload.gso_bytes == 1000);
    CHECK(super.offload.header_bytes == header_bytes);
    CHECK(super.offload.needs_csum);
    CHECK(!super.offload.ecn);
    CHECK(super.offload.csum_start == start);
    CHECK(super.offload.csum_offset == (is_tcp(kind) ? 16 : 6));
    CHECK(super.frame.size() == header_bytes + 3000);
    CHECK(load_be16(&super.frame[is_v4(kind) ? 16 : 18]) == super.frame.size() - (is_v4(kind) ? 14 : 54));
    if (is_v4(kind)) CHECK(slow_sum(std::span(super.frame).subspan(14, 20)) == 0xffff);
    if (!is_tcp(kind)) CHECK(load_be16(&super.frame[start + 4]) == 3008);
    // A device adds up the field too, so the field must hold the pseudo-header's sum and nothing else.
    const Bytes ip(super.frame.begin() + 14, super.frame.end());
    const auto pseudo = pseudo_header(ip, is_v4(kind), is_tcp(kind) ? 6 : 17, super.frame.size() - start);
    CHECK(load_be16(&super.frame[start + super.offload.csum_offset]) == slow_sum(pseudo));
  }
}

TEST_CASE("PSH and FIN of the last packet are the super-frame's") {
  const auto written = joined_of(plain_packets(3, Kind::tcp4, [](size_t index, FlowFields& fields) {
    if (index == 2) fields.flags = kAck | kPsh | kFin;
  }));
  REQUIRE(written.size() == 1);
  CHECK(written[0].frame[34 + 13] == (kAck | kPsh | kFin));
}

TEST_CASE("A packet that stays alone in its run is written exactly as it came, its checksum too") {
  Joining joining;
  const auto packets = plain_packets(1, Kind::tcp4, [](size_t, FlowFields& fields) { fields.spoil_checksum = 1; });
  CHECK(joining.offer(packets[0]));
  CHECK(joining.written().empty());
  joining.flush();
  REQUIRE(joining.written().size() == 1);
  CHECK(joining.written()[0].frame == packets[0]);
  CHECK(!joining.written()[0].offload.needs_csum);
  joining.flush();
  CHECK(joining.written().size() == 1);
}

TEST_CASE("An unfinished checksum is as good as a right one, whatever the field holds") {
  for (const Kind kind : kAll) {
    CAPTURE(name_of(kind));
    const auto packets = plain_packets(3, kind, [](size_t i, FlowFields& f) { f.spoil_checksum = i == 1 ? 7 : 0; });
    const auto start = static_cast<uint16_t>(is_v4(kind) ? 34 : 54);
    Offload unfinished{.needs_csum = true, .csum_start = start};
    unfinished.csum_offset = is_tcp(kind) ? 16 : 6;
    Joining joining;
    joining.offer(packets[0]);
    joining.offer(packets[1], kPort, kBoth, unfinished);
    joining.offer(packets[2]);
    joining.flush();
    CHECK(segments_of(joining.written()) == std::vector<size_t>{3});
    // A checksum somewhere else is none of TCP's or UDP's.
    unfinished.csum_offset = 2;
    CHECK(!joining.offer(packets[0], kPort, kBoth, unfinished));
  }
}

TEST_CASE("A super-frame is not joined, and what waits of its flow goes before it") {
  const auto packets = plain_packets(2, Kind::tcp4);
  Joining joining;
  CHECK(joining.offer(packets[0]));
  CHECK(!joining.offer(packets[1], kPort, kBoth, {GsoType::tcp_v4, false, true, 500, 66, 34, 16}));
  REQUIRE(joining.written().size() == 2);
  CHECK(joining.written()[0].frame == packets[0]);
}

TEST_CASE("The same flow to two ports is two flows") {
  const auto packets = plain_packets(4, Kind::udp4, [](size_t, FlowFields& fields) { fields.fixed_id = true; });
  Joining joining;
  for (size_t index = 0; index < 4; ++index) joining.offer(packets[index], index % 2 == 0 ? kPort : kOtherPort);
  joining.flush();
  CHECK(segments_of(joining.written()) == std::vector<size_t>{2, 2});
  CHECK(joining.written()[0].port == kPort);
  CHECK(joining.written()[1].port == kOtherPort);
}

TEST_CASE("Nothing is joined for a device that does not take such super-frames") {
  for (const Kind kind : kAll) {
    CAPTURE(name_of(kind));
    const auto packets = plain_packets(2, kind);
    Joining joining;
    const Joins other{.tso = !is_tcp(kind), .uso = is_tcp(kind)};
    CHECK(!joining.offer(packets[0], kPort, other));
    CHECK(joining.offer(packets[0]));
    CHECK(!joining.offer(packets[1], kPort, other));  // the port has another device since the last packet
    CHECK(segments_of(joining.written()) == std::vector<size_t>{1, 1, 1});
  }
}

TEST_CASE("A fragment goes after all that waits between its addresses, and before nothing else") {
  for (const Kind kind : kV4) {
    const auto flows = plain_packets(3, kind, [](size_t i, FlowFields& f) {
      f.stream = static_cast<int>(i), f.src_port = static_cast<uint16_t>(40000 + i);
      if (i == 2) f.host = 99;
    });
    const auto fragment = plain_packets(1, kind, [](size_t, FlowFields& f) { f.fragment_offset = 10; });
    Joining joining;
    for (const Bytes& packet : flows) CHECK(joining.offer(packet));
    CHECK(!joining.offer(fragment[0]));
    REQUIRE(joining.written().size() == 3);
    CHECK(joining.written()[2].frame == fragment[0]);
    joining.flush();
    CHECK(joining.written()[3].frame == flows[2]);
  }
}

TEST_CASE("What is no TCP and no UDP passes and disturbs no run") {
  const auto packets = plain_packets(2, Kind::tcp4);
  Joining joining;
  joining.offer(packets[0]);
  CHECK(!joining.offer(ethernet({}, arp({}))));
  CHECK(!joining.offer(ethernet({}, ipv6({}, echo_request()))));
  Bytes icmp = packets[1];
  icmp[23] = 1;
  CHECK(!joining.offer(icmp));
  CHECK(joining.offer(packets[1]));
  joining.flush();
  CHECK(segments_of(joining.written()) == std::vector<size_t>{1, 1, 1, 2});
}

TEST_CASE("A run has at most 128 TCP segments, and 64 datagrams, which is what every kernel cuts again") {
  const auto small = [](size_t, FlowFields& fields) { fields.payload_bytes = 10; };
  CHECK(segments_of(joined_of(plain_packets(130, Kind::tcp6, small))) == std::vector<size_t>{128, 2});
  CHECK(segments_of(joined_of(plain_packets(130, Kind::udp6, small))) == std::vector<size_t>{64, 64, 2});
}

TEST_CASE("The flow that is one too many writes the run that was opened longest ago") {
  Joining joining;
  const auto packets = plain_packets(kMaxRuns + 2, Kind::udp6, [](size_t i, FlowFields& f) {
    f.src_port = static_cast<uint16_t>(i);
  });
  for (size_t index = 0; index < kMaxRuns; ++index) CHECK(joining.offer(packets[index]));
  CHECK(joining.written().empty());
  CHECK(joining.offer(packets[kMaxRuns]));
  CHECK(joining.offer(packets[kMaxRuns + 1]));
  REQUIRE(joining.written().size() == 2);
  CHECK(joining.written()[0].frame == packets[0]);
  CHECK(joining.written()[1].frame == packets[1]);
  joining.flush();
  for (size_t index = 0; index < packets.size(); ++index) CHECK(joining.written()[index].frame == packets[index]);
}

TEST_CASE("Reading a packet for the coalescer never reads past the frame") {
  for (const Kind kind : kAll) {
    const Bytes whole = plain_packets(1, kind)[0];
    Joining joining;
    for (size_t bytes = 0; bytes < whole.size(); ++bytes) CHECK(!joining.offer(first(whole, bytes)));
  }
}

namespace {

// A flow that goes on in a random way: mostly the next packet of the same size, sometimes anything else.
struct RandomFlow {
  FlowFields next;
  PortId port;
};

FlowFields random_packet(Random& random, RandomFlow& flow) {
  FlowFields packet = flow.next;
  packet.fill = random.byte();
  if (random.one_in(8)) packet.payload_bytes = random.below(200);
  if (random.one_in(12)) packet.flags = static_cast<uint8_t>(kAck | random.byte());
  if (random.one_in(12)) packet.flags |= kPsh;
  if (random.one_in(20)) packet.ttl = 63;
  if (random.one_in(20)) packet.tos = 3;
  if (random.one_in(20)) packet.seq += random.below(3);
  if (random.one_in(20)) packet.ack += 1;
  if (random.one_in(20)) packet.options[7] = random.byte();
  if (random.one_in(20)) packet.id = static_cast<uint16_t>(packet.id + random.below(3));
  if (random.one_in(30)) packet.padding_bytes = 4;
  if (random.one_in(30)) packet.df = false;
  flow.next.seq = packet.seq + static_cast<uint32_t>(packet.payload_bytes);
  flow.next.id = static_cast<uint16_t>(packet.id + (packet.fixed_id ? 0 : 1));
  return packet;
}

std::vector<RandomFlow> random_flows(Random& random) {
  std::vector<RandomFlow> flows(1 + random.below(random.one_in(4) ? 90 : 6));
  for (size_t at = 0; at < flows.size(); ++at) {
    flows[at].next.kind = static_cast<Kind>(random.below(4));
    flows[at].next.src_port = static_cast<uint16_t>(at);
    flows[at].next.payload_bytes = 1 + random.below(300);
    flows[at].next.fixed_id = random.one_in(3);
    flows[at].port = PortId{static_cast<uint16_t>(16 + random.below(3))};
  }
  return flows;
}

}  // namespace

TEST_CASE("Joined and cut again, every flow is what it was, in its order and with right checksums") {
  size_t joined_packets = 0;
  for (uint64_t seed = 0; seed < 150; ++seed) {
    CAPTURE(seed);
    Random random(seed);
    auto flows = random_flows(random);
    Joining joining;
    for (uint32_t count = 50 + random.below(300); count > 0; --count) {
      RandomFlow& flow = flows[random.below(static_cast<uint32_t>(flows.size()))];
      for (uint32_t burst = 1 + random.below(6); burst > 0; --burst) {
        joining.offer(packet_of(random_packet(random, flow)), flow.port);
      }
      if (random.one_in(40)) joining.flush();
    }
    joining.flush();
    for (const Written& one : joining.written()) {
      if (one.segments == 1) continue;
      CHECK(cut_fast(one) == cut_slowly(one));
      joined_packets += one.segments;
    }
    const Broken broken = joining.broken();
    CHECK_MESSAGE(broken == nullptr, broken);
  }
  CHECK(joined_packets > 10000);  // the property is about something
}
