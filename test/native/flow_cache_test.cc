// The flow cache: whatever comes, it makes of a packet what the pipeline makes of it; and its bounds.
#include "pipeline/flow_cache.hpp"

#include <doctest/doctest.h>

#include "flow_twin.hpp"
#include "random_world.hpp"

namespace dvr::test {
namespace {

constexpr uint64_t kSeed = 2048;
constexpr int kWorlds = 250, kFlowsPerWorld = 60, kPacketsPerFlow = 8;

// What most packets of a cloud are: UDP or TCP from one VM to another, or to its gateway for it.
Bytes flow_frame(Random& random, const World& world, const Sender& sender) {
  const Sender* to = &random.of(world.senders);
  for (int tries = 0; tries < 8 && to->ip.is_v4() != sender.ip.is_v4(); ++tries) to = &random.of(world.senders);
  const bool by_router = sender.port != kTunnelPort && !sender.gateway.is_zero() && !random.one_in(3);
  const Layer carried = payload(random.below(100));
  const auto dst_port = static_cast<uint16_t>(60 + random.below(10));
  const auto tos = static_cast<uint8_t>(random.below(4));
  const Layer inner = random.one_in(2) ? tcp({}, carried) : udp({.dst_port = dst_port}, carried);
  return ethernet({.src = sender.mac, .dst = by_router ? sender.gateway : to->mac},
                  sender.ip.is_v4() ? ipv4({.src = sender.ip, .dst = to->ip, .tos = tos}, inner)
                                    : ipv6({.src = sender.ip, .dst = to->ip}, inner));
}

// What another batch of the same view changes, so that the generation stays.
std::shared_ptr<const Tables> changed(Random& random, const World& world, const Tables& tables) {
  Batch batch(tables.generation);
  const LocalVlan vlan{static_cast<uint16_t>(1 + random.below(3) * 3)};
  const MacAddr mac = random.of(world.macs);
  const IpAddr ip = random.of(world.ips), vtep = random.of(world.vteps);
  const PortId port = random.of(world.ports);
  const bool can_have_row = !mac.is_group() && port.value >= kFirstFreePort;
  switch (random.below(9)) {
    case 0: batch.put<NetworkRow>({vlan}, {{100 + random.below(3)}, static_cast<uint16_t>(68 + random.below(1500))}); break;
    case 1: if (can_have_row) batch.put<SwitchRow>({vlan, mac}, {port}); break;
    case 2: if (can_have_row) batch.put<UcastToTunRow>({vlan, mac}, {vtep, false, false}); break;
    case 3: if (can_have_row) batch.put<NeighbourRow>({vlan, ip}, {mac, random.one_in(4)}); break;
    case 4: if (can_have_row) batch.erase<SwitchRow>({vlan, mac}); break;
    case 5: if (can_have_row) batch.erase<UcastToTunRow>({vlan, mac}); break;
    case 6: batch.erase<NeighbourRow>({vlan, ip}); break;
    case 7: batch.erase<VtepRow>({vtep}); break;
    default: if (can_have_row) batch.erase<PortRow>({port}); break;
  }
  return batch.on(tables);
}

// Hits by what the cache knew, so that each kind is seen to be tried.
struct Hits {
  size_t switched = 0, routed = 0, from_tunnel = 0, dvr_mac = 0, to_tunnel = 0, outside = 0, super_frames = 0;
  size_t ipv4 = 0, ipv6 = 0, to_namespace = 0;

  void add(const FlowTwins& twins) {
    const StageCounts& passed = twins.last.counts;
    const Packet& packet = twins.last.packet;
    const bool was_routed = passed.has(StageId::route) && passed.has(StageId::switch_);
    routed += was_routed;
    to_namespace += passed.has(StageId::route) && !was_routed;
    switched += passed.has(StageId::switch_) && !was_routed;
    from_tunnel += passed.has(StageId::vxlan_decap);
    dvr_mac += passed.has(StageId::dvr_to_src_mac);
    to_tunnel += packet.encapsulated;
    outside += passed.has(StageId::provider_in);
    super_frames += packet.offload.gso != GsoType::none;
    (twins.last.ether_type() == kEtherTypeIpv4 ? ipv4 : ipv6) += 1;
  }
};

struct First {
  Arrival arrival = kTunnelPort;
  Bytes frame;
};

First random_first(Random& random, const World& world) {
  const Sender& sender = random.of(world.senders);
  First first{sender.port, random.one_in(6) ? FrameMaker(random, world, sender).make() : flow_frame(random, world, sender)};
  if (sender.port != kTunnelPort) return first;
  first.arrival = Arrival(random.of(world.vteps), random.one_in(4) ? random.byte() : uint8_t{0});
  if (random.one_in(2) && !world.dvr_macs.empty() && first.frame.size() > 12)
    std::ranges::copy(random.of(world.dvr_macs).bytes, first.frame.begin() + 6);
  first.frame = vxlan(random.of(world.vnis), first.frame);
  return first;
}

// The first packet of a flow that is rather routed or comes by the tunnel than not, and rather gets somewhere.
First promising_first(Random& random, const World& world, const Tables& tables) {
  for (int tries = 0;; ++tries) {
    const First first = random_first(random, world);
    const Walk walked = walk(tables, first.arrival, first.frame);
    const bool is_rare = first.arrival.port == kTunnelPort || walked.packet.router != RouterId{};
    if (tries == 10 || (walked.verdict == StageId::output && (is_rare || random.one_in(8)))) return first;
  }
}

// A flow's packets, the first of them twice.
void send_flow(Random& random, const World& world, std::shared_ptr<const Tables>& tables, FlowTwins& twins,
               Hits& hits) {
  auto [arrival, frame] = promising_first(random, world, *tables);
  for (int count = 0; count < kPacketsPerFlow; ++count) {
    const Broken broken = twins.send(*tables, arrival, frame);
    const char* const how = twins.hit ? ", known" : ", asked";
    REQUIRE_MESSAGE(broken == nullptr, std::string(broken) << how << ", packet " << count);
    if (twins.hit) hits.add(twins);
    if (count > 0) become_next(random, arrival, frame);
    if (random.one_in(12)) tables = changed(random, world, *tables);
  }
}

Bytes udp_of(size_t payload_bytes, uint16_t src_port = 40000) {
  return ethernet({.src = kVm1.mac, .dst = kRedGateway.mac},
                  ipv4({.src = kVm1.ip, .dst = kVm2.ip}, udp({.src_port = src_port}, payload(payload_bytes))));
}

// The twins' answer as text, and whether the cache knew it.
std::string sent(FlowTwins& twins, const Tables& tables, const Bytes& frame,
                 const Arrival& arrival = kCn1.red.vm_port) {
  const Broken broken = twins.send(tables, arrival, frame);
  if (broken != nullptr) return broken;
  return (twins.hit ? "known: " : "asked: ") + verdict_text(twins.last.verdict, twins.last.packet, twins.last.effects);
}

size_t place_of(const Bytes& frame) {
  Buffer buffer(frame);
  const auto arrived = read_arrived(packet_of(buffer, kCn1.red.vm_port), StageId::classify);
  REQUIRE(arrived);
  return arrived->key.hash() >> 53;
}

}  // namespace

TEST_CASE("The flow cache makes of every packet what the pipeline makes of it, whatever comes and whatever changes") {
  Random random(kSeed);
  Hits hits;
  for (int round = 0; round < kWorlds; ++round) {
    INFO("round " << round);
    const World world = WorldMaker(random).make();
    std::shared_ptr<const Tables> tables = world.tables;
    FlowTwins twins;
    for (int flow = 0; flow < kFlowsPerWorld; ++flow) send_flow(random, world, tables, twins, hits);
  }
  for (const auto& [kind, count] : {std::pair{"switched", hits.switched}, {"routed", hits.routed},
                                    {"from the tunnel", hits.from_tunnel}, {"from a DVR MAC", hits.dvr_mac},
                                    {"to the tunnel", hits.to_tunnel}, {"outside", hits.outside},
                                    {"to a namespace", hits.to_namespace}, {"super-frames", hits.super_frames},
                                    {"IPv4", hits.ipv4}, {"IPv6", hits.ipv6}}) {
    CHECK_MESSAGE(count > 100, kind << " " << count);
  }
}

TEST_CASE("The second packet of a flow is known, on every way to an output") {
  FlowTwins twins, far;
  CHECK(sent(twins, *cn1_fast(), udp_of(10)) == "asked: vtep 172.16.0.12 vni 102");
  CHECK(sent(twins, *cn1_fast(), udp_of(10)) == "known: vtep 172.16.0.12 vni 102");
  const Bytes from_dvr_mac =
      vxlan(kGreenVni, ethernet({kDvrMac1, kVm2.mac}, ipv6({.src = kVm1.ip6, .dst = kVm2.ip6}, udp())));
  CHECK(sent(far, *cn2(), from_dvr_mac, kVtep1) == "asked: port 32");
  CHECK(sent(far, *cn2(), from_dvr_mac, kVtep1) == "known: port 32");
  CHECK(sent(far, *cn2(), from_dvr_mac, kLeaf) == "asked: drop vtep_not_of_network");
}

TEST_CASE("What is dropped, flooded, told of or no plain TCP or UDP is never known") {
  FlowTwins twins;
  const auto never_known = [&](const Bytes& frame, const Arrival& arrival = kCn1.red.vm_port) {
    for (int count = 0; count < 3; ++count) CHECK(sent(twins, *cn1(), frame, arrival).starts_with("asked"));
  };
  never_known(ethernet({kVm3.mac, kVm1.mac}, ipv4({.src = kVm3.ip, .dst = kVm1.ip})));                    // spoofed
  never_known(ethernet({kVm1.mac, kBroadcast}, ipv4({.src = kVm1.ip, .dst = "10.1.0.255"_ip})));
  never_known(vxlan(kRedVni, ethernet({kStranger.mac, kVm1.mac}, ipv4({.src = kStranger.ip, .dst = kVm1.ip}))), kLeaf);
  never_known(ethernet({kVm1.mac, kVm3.mac}, ipv6({.src = kVm1.ip6, .dst = kVm3.ip6}, echo_request())));
  never_known(ethernet({kVm1.mac, kVm3.mac}, ipv4({.src = kVm1.ip, .dst = kVm3.ip, .more_fragments = true})));
  never_known(ethernet({kVm1.mac, kVm3.mac}, ipv4({.src = kVm1.ip, .dst = kVm3.ip, .option_words = 1})));
  never_known(ethernet({kVm1.mac, kVm3.mac}, ipv6({.src = kVm1.ip6, .dst = kVm3.ip6}, destination_options(udp()))));
}

TEST_CASE("A flow that has another's place takes it, and is itself the one that is known then") {
  const Bytes one = udp_of(10);
  uint16_t port = 40001;
  while (place_of(udp_of(10, port)) != place_of(one)) ++port;
  FlowTwins twins;
  CHECK(sent(twins, *cn1_fast(), one).starts_with("asked"));
  CHECK(sent(twins, *cn1_fast(), udp_of(10, port)).starts_with("asked"));
  CHECK(sent(twins, *cn1_fast(), udp_of(10, port)).starts_with("known"));
  CHECK(sent(twins, *cn1_fast(), one).starts_with("asked"));
}

TEST_CASE("Flows spread over the cache: most of half as many as it has places are known at once") {
  FlowTwins twins;
  const auto send_all = [&] {
    size_t known = 0;
    for (uint16_t flow = 0; flow < kFlowCacheEntries / 2; ++flow)
      known += sent(twins, *cn1_fast(), udp_of(10, static_cast<uint16_t>(flow * 3))).starts_with("known");
    return known;
  };
  CHECK(send_all() == 0);
  // At random, exp(-1/2) of them share their place with nobody that comes later.
  CHECK(send_all() > kFlowCacheEntries / 4);
}

TEST_CASE("A size beyond those that were seen asks the stages, for a limit may lie between; then it is known, too") {
  FlowTwins twins;
  const auto how = [&](size_t payload_bytes) { return sent(twins, *cn1_fast(), udp_of(payload_bytes)); };
  const std::string routed = "vtep 172.16.0.12 vni 102", too_large = "port 20";
  CHECK(how(100) == "asked: " + routed);
  CHECK(how(1000) == "asked: " + routed);
  CHECK(how(500) == "known: " + routed);
  CHECK(how(1001) == "asked: " + routed);
  CHECK(how(1472) == "asked: " + routed);  // 1500 bytes of IP
  // The namespace answers what is too large; its way is no smaller packet's.
  CHECK(how(1473) == "asked: " + too_large);
  CHECK(how(1473) == "known: " + too_large);
  CHECK(how(1472) == "asked: " + routed);

  const auto how_v6 = [&](size_t payload_bytes) {
    return sent(twins, *cn1_fast(), ethernet({.src = kVm1.mac, .dst = kRedGateway.mac},
                                             ipv6({.src = kVm1.ip6, .dst = kVm2.ip6}, udp({}, payload(payload_bytes)))));
  };
  CHECK(how_v6(10) == "asked: " + routed);
  CHECK(how_v6(1452) == "asked: " + routed);
  CHECK(how_v6(500) == "known: " + routed);
  CHECK(how_v6(1453) == "asked: " + too_large);
}

TEST_CASE("No entry of another version of the tables is known, though the view's generation be the same") {
  FlowTwins twins;
  const LocalVlan green = kCn1.green.local_vlan;
  const auto moved = Batch(cn1_fast()->generation)
                         .put<UcastToTunRow>({green, kVm2.mac}, {kLeaf, false, false})
                         .on(*cn1_fast());
  REQUIRE(moved->generation == cn1_fast()->generation);
  CHECK(sent(twins, *cn1_fast(), udp_of(10)) == "asked: vtep 172.16.0.12 vni 102");
  CHECK(sent(twins, *moved, udp_of(10)) == "asked: vtep 172.16.0.99 vni 102");
  CHECK(sent(twins, *moved, udp_of(10)) == "known: vtep 172.16.0.99 vni 102");
}

}  // namespace dvr::test
