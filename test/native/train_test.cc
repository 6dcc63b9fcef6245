// Trains over packets: what is collected leaves whole, in order, and never waits where it must not.
#include <doctest/doctest.h>

#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include "builders.hpp"
#include "gso/train.hpp"

using namespace dvr;
using namespace dvr::test;

namespace {

struct SentTrain {
  Outer to;
  size_t segment_bytes;
  std::vector<Bytes> packets;
  std::vector<size_t> sizes() const {
    std::vector<size_t> all;
    for (const Bytes& packet : packets) all.push_back(packet.size());
    return all;
  }
};

// Trains whose packets live as long as the test, and what has left of them.
struct Station {
  std::unique_ptr<Trains> trains = std::make_unique<Trains>();
  std::vector<std::unique_ptr<Bytes>> kept;
  std::vector<SentTrain> sent;
  size_t limit = kMaxTrainSegments;  // of one send

  auto sender() {
    return [this](const Outer& to, const Train& train) {
      SentTrain one{to, train.segment_bytes, {}};
      size_t total_bytes = 0;
      REQUIRE(train.pieces.size() == train.segments);
      for (const iovec& piece : train.pieces) {
        const auto* at = static_cast<const uint8_t*>(piece.iov_base);
        one.packets.emplace_back(at, at + piece.iov_len);
        total_bytes += piece.iov_len;
      }
      CHECK(total_bytes == train.total_bytes);
      sent.push_back(std::move(one));
    };
  }
  void append(const Outer& to, Bytes packet) {
    kept.push_back(std::make_unique<Bytes>(std::move(packet)));
    trains->append(to, *kept.back(), limit, sender());
  }
  void append(const Outer& to, size_t bytes) { append(to, Bytes(bytes)); }
  void flush() { trains->flush(sender()); }
};

Outer outer_to(const IpAddr& vtep, uint32_t flow_hash = 0, uint8_t tos = 0) {
  Outer to;
  to.vtep = vtep, to.flow_hash = flow_hash, to.tos = tos;
  return to;
}

const Outer kThere = outer_to("172.16.0.12"_ip);

}  // namespace

TEST_CASE("Packets of one size wait for the flush and leave as one train") {
  Station station;
  for (int count = 0; count < 10; ++count) station.append(kThere, 100);
  CHECK(station.sent.empty());
  CHECK(!station.trains->is_empty());
  station.flush();
  CHECK(station.trains->is_empty());
  REQUIRE(station.sent.size() == 1);
  CHECK(station.sent[0].sizes() == std::vector<size_t>(10, 100));
  station.flush();
  CHECK(station.sent.size() == 1);
}

TEST_CASE("A shorter packet ends its train, a longer one begins the next") {
  Station station;
  for (const size_t bytes : {100, 100, 60}) station.append(kThere, bytes);
  REQUIRE(station.sent.size() == 1);
  CHECK(station.sent[0].sizes() == std::vector<size_t>{100, 100, 60});
  for (const size_t bytes : {100, 200, 200}) station.append(kThere, bytes);
  REQUIRE(station.sent.size() == 2);
  CHECK(station.sent[1].sizes() == std::vector<size_t>{100});
  station.flush();
  CHECK(station.sent[2].sizes() == std::vector<size_t>{200, 200});
}

TEST_CASE("A train is as long as the kernel takes it: so many segments, 65507 bytes") {
  Station station;
  for (size_t count = 0; count < kMaxTrainSegments + 1; ++count) station.append(kThere, 100);
  REQUIRE(station.sent.size() == 1);
  CHECK(station.sent[0].packets.size() == kMaxTrainSegments);

  Station old;
  old.limit = kShortTrainSegments;
  for (size_t count = 0; count < kShortTrainSegments; ++count) old.append(kThere, 100);
  REQUIRE(old.sent.size() == 1);
  CHECK(old.sent[0].packets.size() == kShortTrainSegments);

  Station large;
  for (int count = 0; count < 43; ++count) large.append(kThere, 1522);
  REQUIRE(large.sent.size() == 1);
  CHECK(large.sent[0].packets.size() == 43);
}

TEST_CASE("Another TOS byte begins another train, because a train has one outer header, and order is kept") {
  Station station;
  station.append(outer_to("172.16.0.12"_ip, 0, 2), 100);
  station.append(outer_to("172.16.0.12"_ip, 0, 0), 100);
  station.append(outer_to("172.16.0.12"_ip, 0, 2), 100);
  station.flush();
  REQUIRE(station.sent.size() == 3);
  CHECK(station.sent[0].to.tos == 2);
  CHECK(station.sent[1].to.tos == 0);
  CHECK(station.sent[2].to.tos == 2);
}

TEST_CASE("What goes by another source port or to another VTEP travels in a train of its own") {
  Station station;
  for (int count = 0; count < 5; ++count)
    for (const Outer& to : {kThere, outer_to("172.16.0.13"_ip), outer_to("172.16.0.12"_ip, 1)}) station.append(to, 100);
  station.flush();
  REQUIRE(station.sent.size() == 3);
  for (const SentTrain& train : station.sent) CHECK(train.packets.size() == 5);
}

TEST_CASE("Flushing one source port, as before a super-frame, sends what waits there and nothing else") {
  Station station;
  station.append(outer_to("172.16.0.12"_ip, 3), 100);
  station.append(outer_to("172.16.0.13"_ip, 3), 100);
  station.append(outer_to("172.16.0.12"_ip, 4), 100);
  station.trains->flush(3, station.sender());
  CHECK(station.sent.size() == 2);
  CHECK(!station.trains->is_empty());
}

TEST_CASE("When all trains of a source port are open, the oldest leaves for the next") {
  Station station;
  for (uint8_t node = 0; node < kTrainsPerSourcePort; ++node) station.append(outer_to(IpAddr::v4(10, 0, 0, node)), 100);
  CHECK(station.sent.empty());
  station.append(outer_to(IpAddr::v4(10, 0, 0, 0)), 100);  // a use makes it no younger
  station.append(outer_to("172.16.0.12"_ip), 100);
  REQUIRE(station.sent.size() == 1);
  CHECK(station.sent[0].to.vtep == IpAddr::v4(10, 0, 0, 0));
  CHECK(station.sent[0].packets.size() == 2);
}

TEST_CASE("Whatever comes in whatever order, each flow leaves in the order it came, whole and in true trains") {
  std::mt19937 random(20261122);
  const auto below = [&](uint32_t limit) { return static_cast<uint32_t>(random() % limit); };
  for (int round = 0; round < 200; ++round) {
    Station station;
    if (round % 3 == 0) station.limit = kShortTrainSegments;
    const uint32_t vteps = 1 + below(8), flows = 1 + below(100);
    constexpr size_t kSizes[] = {60, 100, 1500, 1522};
    uint32_t serial = 0;
    std::map<uint32_t, std::vector<uint32_t>> came, left;  // serials, by flow
    const int packets = 1 + static_cast<int>(below(600));
    for (int count = 0; count < packets; ++count) {
      const uint32_t flow = below(flows);
      const Outer to = outer_to(IpAddr::v4(10, 0, 0, static_cast<uint8_t>(flow % vteps)), flow * 7,
                                static_cast<uint8_t>(below(10) == 0 ? 2 : 0));
      // A super-frame of the flow goes past the trains, behind what waits.
      if (below(50) == 0) {
        station.trains->flush(source_port_of(to), station.sender());
        Bytes super_frame;
        add32(super_frame, flow), add32(super_frame, serial);
        station.sent.push_back({to, 8, {super_frame}});
      } else {
        Bytes packet;
        add32(packet, flow), add32(packet, serial);
        packet.resize(kSizes[below(4)]);
        station.append(to, packet);
      }
      came[flow].push_back(serial++);
      if (below(100) == 0) station.flush();
    }
    station.flush();
    for (const SentTrain& train : station.sent) {
      CHECK(train.packets.size() <= station.limit);
      for (size_t at = 0; at < train.packets.size(); ++at) {
        const Bytes& packet = train.packets[at];
        CHECK((packet.size() == train.segment_bytes || at + 1 == train.packets.size()));
        CHECK(packet.size() <= train.segment_bytes);
        const auto number = [&](size_t from) {
          return uint32_t{packet[from]} << 24 | uint32_t{packet[from + 1]} << 16 | uint32_t{packet[from + 2]} << 8 |
                 packet[from + 3];
        };
        left[number(0)].push_back(number(4));
      }
    }
    CHECK(left == came);
  }
}
