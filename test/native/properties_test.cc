// What holds whatever comes: random frames through random deployments, each passage judged by
// invariants.hpp. Seeded, so a failure is the same again; the message says which round to look at.
#include <doctest/doctest.h>

#include "invariants.hpp"
#include "random_world.hpp"

namespace dvr::test {
namespace {

constexpr uint64_t kSeed = 7348;
constexpr int kWorlds = 400;
constexpr int kFramesPerWorld = 200;

Arrival random_arrival(Random& random, const World& world, const Sender& sender) {
  if (random.one_in(4)) return Arrival(random.of(world.vteps), random.byte());
  Arrival arrival = random.one_in(3) ? random.of(world.ports) : sender.port;
  arrival.vtep = random.of(world.vteps);
  if (arrival.port != kTunnelPort) arrival.tailroom = random.one_in(4) ? random.below(200) : 800;
  if (random.one_in(6))
    arrival.offload = {.gso = GsoType::tcp_v4,
                       .needs_csum = true,
                       .gso_bytes = static_cast<uint16_t>(random.below(2000)),
                       .header_bytes = static_cast<uint16_t>(random.below(100)),
                       .csum_start = 34,
                       .csum_offset = 16};
  return arrival;
}

Bytes random_datagram(Random& random, const World& world, const Bytes& frame) {
  Bytes datagram = vxlan(random.of(world.vnis), frame, random.one_in(20) ? random.byte() : uint8_t{0x08});
  if (random.one_in(20)) datagram.resize(random.below(24));
  return datagram;
}

void insert_tag(Bytes& frame, uint16_t vlan) {
  frame.insert(frame.begin() + 12, {0x81, 0x00, static_cast<uint8_t>(vlan >> 8), static_cast<uint8_t>(vlan)});
}

std::string describe(const Bytes& frame) {
  std::string text;
  char digits[4];
  for (const uint8_t byte : frame) std::snprintf(digits, sizeof digits, "%02x ", byte), text += digits;
  return text;
}

}  // namespace

TEST_CASE(
    "split horizon, MAC isolation, floods within the network, and a reason for every drop, whatever "
    "comes") {
  Random random(kSeed);
  std::vector<size_t> verdicts(kDropReasonCount + 1);
  size_t to_tunnel = 0, replies = 0, advertisements = 0, floods = 0, to_wire = 0, from_wire = 0;
  for (int round = 0; round < kWorlds; ++round) {
    const World world = WorldMaker(random).make();
    for (int count = 0; count < kFramesPerWorld; ++count) {
      const Sender& sender = random.of(world.senders);
      const Arrival arrival = random_arrival(random, world, sender);
      Bytes frame = FrameMaker(random, world, sender).make();
      if (arrival.port == kTunnelPort) frame = random_datagram(random, world, frame);
      if (is_uplink(*world.tables, arrival.port) && random.one_in(2) && frame.size() > 12)
        insert_tag(frame, random.of(world.provider_vlans));
      const Walk walked = walk(*world.tables, arrival, frame);
      const Passage passage{*world.tables, arrival, frame, walked};
      const Broken broken = broken_passage(passage);
      REQUIRE_MESSAGE(broken == nullptr, std::string(broken)
                                             << "\nround " << round << " frame " << count << "\n"
                                             << walked.text << "\n"
                                             << describe(frame));
      const bool dropped = walked.verdict == StageId::drop;
      ++verdicts[dropped ? static_cast<size_t>(walked.packet.drop_reason) : kDropReasonCount];
      to_tunnel += !dropped && passage.to_tunnel();
      replies += !dropped && passage.last() == StageId::arp_responder;
      advertisements += !dropped && passage.last() == StageId::ra_responder;
      floods += !walked.effects.copy_to.empty();
      to_wire += !dropped && walked.packet.on_wire;
      from_wire += !dropped && is_uplink(*world.tables, arrival.port);
    }
  }
  // The frames are no use if they never get anywhere.
  CHECK(verdicts[kDropReasonCount] > 1000);
  CHECK(to_tunnel > 100);
  CHECK(replies > 50);
  CHECK(advertisements > 5);
  CHECK(floods > 100);
  CHECK_MESSAGE(to_wire > 100, to_wire);
  CHECK_MESSAGE(from_wire > 100, from_wire);
  size_t reasons_met = 0;
  for (const size_t count : verdicts) reasons_met += count > 0;
  CHECK(reasons_met > 20);
}

TEST_CASE("what VMs send to their gateways is routed exactly as the slow twin says, or is the namespace's") {
  Random random(kSeed + 2);
  size_t routed = 0, by_namespace = 0;
  for (int round = 0; round < kWorlds; ++round) {
    const World world = WorldMaker(random).make();
    for (const Sender& sender : world.senders) {
      if (sender.gateway.is_zero()) continue;
      for (int count = 0; count < 40; ++count) {
        const Arrival arrival(sender.port);
        const Bytes frame = FrameMaker(random, world, sender).make();
        const Walk walked = walk(*world.tables, arrival, frame);
        const Passage passage{*world.tables, arrival, frame, walked};
        const Broken broken = broken_passage(passage);
        REQUIRE_MESSAGE(broken == nullptr, std::string(broken) << "\nround " << round << "\n"
                                                               << walked.text << "\n" << describe(frame));
        if (passage.passed(StageId::route)) ++(passage.routed ? routed : by_namespace);
      }
    }
  }
  CHECK_MESSAGE(routed > 200, routed);
  CHECK_MESSAGE(by_namespace > 200, by_namespace);
}

TEST_CASE("bytes that are no frame at all get a verdict too") {
  Random random(kSeed + 1);
  for (int count = 0; count < 20'000; ++count) {
    Bytes frame(random.below(120));
    for (uint8_t& byte : frame) byte = random.byte();
    if (random.one_in(2) && frame.size() > 16) frame[12] = 0x86, frame[13] = 0xdd, frame[14] = 0x60;
    const Arrival arrival = random.one_in(2) ? Arrival(kVtep2, random.byte()) : Arrival(kCn1.red.router_port);
    if (arrival.port == kTunnelPort && random.one_in(2)) frame = vxlan(kRedVni, frame);
    const Walk walked = walk(*cn1(), arrival, frame);
    const Broken broken = broken_passage({*cn1(), arrival, frame, walked});
    REQUIRE_MESSAGE(broken == nullptr, std::string(broken) << "\n" << walked.text << "\n" << describe(frame));
  }
}

}  // namespace dvr::test
