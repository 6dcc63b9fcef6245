// The kept fuzz corpus, test/fuzz/corpus/<target>/<name>: small inputs that each lead a fuzzer to one place.
// They are made here, by the builders, so that they follow the formats; this test finds out when they do not.
// DVR_WRITE_CORPUS=1 writes them anew. Files of the corpus that are not made here were found by fuzzing.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "walk.hpp"

namespace dvr::test {
namespace {

constexpr size_t kMostBytes = 300;

struct Seed {
  std::string target, name;
  Bytes bytes;
};

// The places in the lists of test/fuzz/input.hpp and pipeline_fuzz.cc.
enum : uint8_t { kOnCn1 = 0, kOnCn2 = 1, kUnsecured = 3, kNoDvrMac = 4, kWithPairs = 5, kFast = 6, kAdvertising = 7,
                 kOutsideToo = 12 };
enum : uint8_t { kTunnel = 0, kVm1Port = 1, kRedRouterPort = 2, kGreenRouterPort = 4, kByUplink = 14, kByQg = 15 };
enum : uint8_t { kFromCn1 = 0, kFromCn2 = 1, kFromLeaf = 2, kFromStranger = 4 };

Bytes vm1_says(const Layer& inner, const MacAddr& dst = kRedGateway.mac) {
  return ethernet({kVm1.mac, dst}, inner);
}
Layer v6(const Layer& inner) { return ipv6({.src = kVm1.ip6, .dst = "ff02::1"_ip, .hop_limit = 255}, inner); }
Layer arp_for(const IpAddr& target) {
  return arp({.sender_mac = kVm1.mac, .sender_ip = kVm1.ip, .target_ip = target});
}
Bytes routed() {
  return ethernet({kGreenGateway.mac, kVm2.mac}, ipv4({.src = kVm1.ip, .dst = kVm2.ip, .ttl = 63}));
}

std::vector<Seed> pipeline_seeds() {
  std::vector<Seed> seeds;
  const auto from_port = [&](const char* name, const Bytes& frame, uint8_t tables = kOnCn1,
                             uint8_t port = kVm1Port) {
    seeds.push_back({"pipeline_fuzz", name, joined({tables, port, 0, 0, 0}, frame)});
  };
  const auto from_tunnel = [&](const char* name, const Bytes& datagram, uint8_t tables = kOnCn1,
                               uint8_t vtep = kFromCn2, uint8_t tos = 0) {
    seeds.push_back({"pipeline_fuzz", name, joined({tables, kTunnel, tos, vtep, 0}, datagram)});
  };
  from_port("ew1-to-gateway", vm1_says(ipv4({.src = kVm1.ip, .dst = kVm2.ip})));
  from_port("ew2-fast", vm1_says(ipv4({.src = kVm1.ip, .dst = kVm2.ip})), kFast);
  from_port("ew2-fast-v6", vm1_says(ipv6({.src = kVm1.ip6, .dst = kVm2.ip6}, destination_options(tcp()))), kFast);
  from_port("ew2-fast-last-hop", vm1_says(ipv4({.src = kVm1.ip, .dst = kVm2.ip, .ttl = 1})), kFast);
  from_port("ew5-routed", routed(), kOnCn1, kGreenRouterPort);
  from_port("ew5-no-dvr-mac", routed(), kNoDvrMac, kGreenRouterPort);
  from_tunnel("ew7-from-dvr-mac",
              vxlan(kGreenVni, ethernet({kDvrMac1, kVm2.mac}, ipv4({.src = kVm1.ip, .dst = kVm2.ip}))),
              kOnCn2, kFromCn1, 1);
  from_port("same-subnet-v6", vm1_says(ipv6({.src = kVm1.ip6, .dst = kVm3.ip6}, tcp()), kVm3.mac));
  from_port("arp-gateway", vm1_says(arp_for(kRedGateway.ip), kBroadcast));
  from_port("arp-unknown", vm1_says(arp_for(kStranger.ip), kBroadcast));
  from_port(
      "arp-probe",
      vm1_says(arp({.sender_mac = kVm1.mac, .sender_ip = "0.0.0.0"_ip, .target_ip = kVm3.ip}), kBroadcast));
  from_port("nd-solicitation",
            vm1_says(v6(neighbour_solicitation(kRedGateway.ip6, &kVm1.mac)), kAllNodesMac));
  from_port("nd-short-solicitation", vm1_says(v6(neighbour_solicitation(kVm3.ip6)), kAllNodesMac));
  // The second number is the room behind the frame, in four bytes.
  const Bytes rs = vm1_says(ipv6({.src = kVm1.link_local, .dst = "ff02::2"_ip, .hop_limit = 255}, router_solicitation()));
  seeds.push_back({"pipeline_fuzz", "rs", joined({kAdvertising, kVm1Port, 200, 0, 0}, rs)});
  seeds.push_back({"pipeline_fuzz", "rs-no-room", joined({kAdvertising, kVm1Port, 3, 0, 0}, rs)});
  from_port("nd-advertisement", vm1_says(v6(neighbour_advertisement(kVm1.ip6, &kVm1.mac))));
  from_port(
      "ra-behind-headers",
      vm1_says(v6(hop_by_hop(destination_options(fragment({.more = true}, router_advertisement()))))));
  from_port("v6-all-headers",
            vm1_says(v6(hop_by_hop(routing_header(authentication_header(echo_request()))))), kUnsecured);
  from_port("dhcp",
            vm1_says(ipv4({.src = "0.0.0.0"_ip, .dst = "255.255.255.255"_ip}, udp({68, 67})), kBroadcast));
  from_port("pair-cidr", vm1_says(ipv4({.src = "10.1.0.200"_ip, .dst = kVm2.ip})), kWithPairs);
  from_port("tagged", vm1_says(vlan_tag(5, ipv4({.src = kVm1.ip, .dst = kVm2.ip}))));
  from_port("broadcast", vm1_says({0x88cc, Bytes(8)}, kBroadcast));
  from_port("router-broadcast", ethernet({kRedGateway.mac, kBroadcast}, {0x88cc, Bytes(8)}), kOnCn1,
            kRedRouterPort);
  from_tunnel(
      "tunnel-unicast",
      vxlan(kRedVni, ethernet({kVm3.mac, kVm1.mac}, ipv4({.src = kVm3.ip, .dst = kVm1.ip, .tos = 2}))),
      kOnCn1, kFromCn2, 3);
  from_tunnel("tunnel-broadcast", vxlan(kRedVni, ethernet({kVm3.mac, kBroadcast}, arp_for(kVm1.ip))));
  from_tunnel(
      "tunnel-interop",
      vxlan(kRedVni, ethernet({kStranger.mac, kVm1.mac}, ipv4({.src = kStranger.ip, .dst = kVm1.ip}))),
      kOnCn1, kFromLeaf);
  from_tunnel("tunnel-interop-ra",
              vxlan(kRedVni, ethernet({kStranger.mac, kAllNodesMac}, v6(router_advertisement()))), kOnCn1, kFromLeaf);
  from_tunnel("tunnel-stranger", vxlan(kRedVni, ethernet({kVm3.mac, kVm1.mac}, payload())), kOnCn1,
              kFromStranger);
  from_port("ex-from-wire", ethernet({kOutside.mac, kFg.mac}, ipv4({.src = kOutside.ip, .dst = kVm1.ip})), kOutsideToo,
            kByUplink);
  from_port("ex-from-wire-tagged",
            ethernet({kOutside.mac, kBroadcast}, vlan_tag(kExt2Vlan, arp_for(kVm1.ip))), kOutsideToo, kByUplink);
  from_port("ex-broadcast", ethernet({kQg.mac, kBroadcast}, arp_for(kOutside.ip)), kOutsideToo, kByQg);
  from_port("ns4-towards-snat", ethernet({kRedGateway.mac, kRedGateway.mac}, ipv4({.src = kVm1.ip, .dst = kOutside.ip})),
            kOnCn1, kRedRouterPort);
  Bytes super = joined({kOnCn1, kGreenRouterPort, 0, 0, 1, 0x05, 0xb4, 54}, routed());
  seeds.push_back({"pipeline_fuzz", "super-frame", super});
  return seeds;
}

// One input a stage, with the frame that stage is about.
std::vector<Seed> stage_seeds() {
  std::vector<Seed> seeds;
  const auto stage = [&](StageId id, uint8_t port, uint8_t local_vlan, uint8_t vni, const Bytes& frame,
                         uint8_t tables = kOnCn1) {
    seeds.push_back({"stages_fuzz", stage_name(id),
                     joined({static_cast<uint8_t>(id), tables, port, local_vlan, vni, 0, kR1.value, 0}, frame)});
  };
  const Bytes from_peer = ethernet({kDvrMac2, kVm1.mac}, ipv4({.src = kVm2.ip, .dst = kVm1.ip}));
  stage(StageId::vxlan_decap, kTunnel, 0, 0, vxlan(kRedVni, from_peer));
  stage(StageId::tun_to_lv, kTunnel, 0, kRedVni, from_peer);
  stage(StageId::classify, kTunnel, 1, 0, from_peer);
  stage(StageId::dvr_to_src_mac, kTunnel, 1, 0, from_peer);
  stage(StageId::anti_spoof, kVm1Port, 1, 0, vm1_says(v6(hop_by_hop(neighbour_advertisement(kVm1.ip6)))));
  stage(StageId::arp_responder, kVm1Port, 1, 0, vm1_says(v6(neighbour_solicitation(kVm3.ip6)), kAllNodesMac));
  stage(StageId::ra_responder, kVm1Port, 1, 0, vm1_says(v6(router_solicitation(&kVm1.mac)), kAllNodesMac));
  stage(StageId::find_router, kVm1Port, 1, 0, vm1_says(ipv4({.src = kVm1.ip, .dst = kVm2.ip})));
  stage(StageId::route, kVm1Port, 1, 0, vm1_says(ipv4({.src = kVm1.ip, .dst = kVm2.ip})));
  stage(StageId::switch_, kRedRouterPort, 1, 0, ethernet({kRedGateway.mac, kVm1.mac}, payload()));
  stage(StageId::flood, kVm1Port, 1, 0, vm1_says(payload(), kBroadcast));
  stage(StageId::dvr_process, kGreenRouterPort, 2, 0, routed());
  stage(StageId::ucast_to_tun, kGreenRouterPort, 2, 0, routed());
  stage(StageId::flood_to_tun, kVm1Port, 1, 0, vm1_says(payload(), kBroadcast));
  stage(StageId::vxlan_encap, kGreenRouterPort, 2, 0,
        vm1_says(ipv6({.src = kVm1.ip6, .dst = kVm2.ip6},
                      fragment({.more = true}, destination_options(udp())))));
  const Bytes from_outside = ethernet({kOutside.mac, kFg.mac}, vlan_tag(kExt2Vlan, payload()));
  stage(StageId::provider_in, kByUplink, 0, 0, from_outside, kOutsideToo);
  stage(StageId::ex_switch, kByQg, kExt.value, 0, ethernet({kQg.mac, kFg.mac}, payload()), kOutsideToo);
  stage(StageId::ex_flood, kByQg, kExt.value, 0, ethernet({kQg.mac, kBroadcast}, payload()), kOutsideToo);
  stage(StageId::provider_out, kByQg, kExt2.value, 0, ethernet({kQg.mac, kOutside.mac}, payload()), kOutsideToo);
  return seeds;
}

std::vector<Seed> batch_seeds() {
  std::vector<Seed> seeds;
  const auto batch = [&](const char* name, const Batch& batch, uint8_t flags = 3) {
    seeds.push_back({"batch_fuzz", name, joined({flags}, batch.bytes())});
  };
  batch("network", Batch().put<NetworkRow>({{1}}, {{101}, 1500}).put<TunToLvRow>({{101}}, {{1}}));
  batch("vteps", Batch()
                     .put<VtepRow>({kVtep2}, {true})
                     .put<FloodToTunRow>({{1}, kVtep2})
                     .put<UcastToTunRow>({{1}, kVm3.mac}, {kVtep2, true, false}));
  batch("ports",
        Batch()
            .put<PortRow>({{16}}, {PortKind::vm, {1}, kVm1.mac, true})
            .put<FloodRow>({{1}, {16}})
            .put<SwitchRow>({{1}, kVm1.mac}, {{16}}),
        2);
  batch("routers", Batch()
                       .put<RouterMacRow>({{1}, kRedGateway.mac}, {{20}, {1}})
                       .put<RoutesRow>({{1}, 120, "10.1.0.0"_ip}, {{1}, kRedGateway.mac, {}, false})
                       .put<NeighbourRow>({{1}, kRedGateway.ip}, {kRedGateway.mac, true}));
  batch("dvr-macs",
        Batch()
            .put<DvrMacRow>({kDvrMac1}, {true, kVtep1})
            .put<DvrToSrcMacRow>({{1}, kVm1.mac, {}}, {kRedGateway.mac, {16}}),
        2);
  batch("sources", Batch()
                       .put<AllowedSourceRow>({{16}, kVm1.mac, {}, 128})
                       .put<AllowedSourceRow>({{16}, kVm1.mac, kVm1.ip, 120}));
  batch("outside", Batch()
                       .put<PortRow>({kUplink}, {PortKind::uplink, {}, {}, false})
                       .put<ProviderInRow>({kUplink, kExt2Vlan}, {kExt2})
                       .put<ProviderOutRow>({kExt2}, {kUplink, kExt2Vlan})
                       .put<ExFloodRow>({kExt2, kFg2.port}));
  batch("erase-and-clear", Batch().erase<SwitchRow>({{1}, kVm1.mac}).clear<FloodRow>().clear<PortRow>());
  seeds.push_back({"batch_fuzz", "operations-only", {1, 3, 2, 2, 2, 16, 0}});
  return seeds;
}

// A byte a packet: kind, which of its streams (4 or 8: with a fixed identification), what is changed.
std::vector<Seed> coalescer_seeds() {
  enum : uint8_t { kTcp4, kTcp6, kUdp4, kUdp6, kSecond = 4, kPush = 0x10, kSize = 0x20, kChecksum = 0xa0,
                   kFragment = 0xd0, kDamage = 0xf0 };
  std::vector<Seed> seeds;
  const auto packets = [&](const char* name, const Bytes& bytes) { seeds.push_back({"coalescer_fuzz", name, bytes}); };
  packets("joined", {kTcp4, kTcp4, kTcp4, kTcp4});
  packets("push", {kTcp6, kTcp6, kTcp6 | kPush, 1, kTcp6, kTcp6});
  packets("shorter", {kUdp4, kUdp4, kUdp4 | kSize, 10, kUdp4, kUdp4});
  packets("interleaved", {kUdp6, kUdp6 | kSecond, kTcp4, kUdp6, kUdp6 | kSecond, kTcp4});
  packets("fixed-identification", {kTcp4 | kSecond, kTcp4 | kSecond, kTcp4 | kSecond});
  packets("wrong-checksum", {kTcp4, kTcp4, kTcp4 | kChecksum, 1, kTcp4, kTcp4});
  packets("fragment", {kUdp4, kUdp4, kUdp4 | kFragment, 3, kUdp4, kUdp4});
  packets("damaged", {kTcp4, kTcp4, kTcp4 | kDamage, 14, 0x46, kTcp4, kTcp4});
  return seeds;
}

// The choices let each packet differ in something else from the one before.
std::vector<Seed> flow_cache_seeds() {
  const Bytes choices{2, 9, 0, 5, 7, 1, 8, 0, 1, 11, 3, 0, 7, 0, 0, 1, 1, 1, 3, 2, 2};
  std::vector<Seed> seeds;
  const auto flow = [&](const char* name, const Bytes& how, const Bytes& frame) {
    const Bytes said = joined(joined(how, {static_cast<uint8_t>(choices.size())}), choices);
    seeds.push_back({"flow_cache_fuzz", name, joined(said, frame)});
  };
  const Layer carried = udp({}, payload(30));
  const Layer v4 = ipv4({.src = kVm1.ip, .dst = kVm2.ip}, carried);
  const Layer v6 = ipv6({.src = kVm1.ip6, .dst = kVm3.ip6}, carried);
  flow("routed-to-tunnel", {kFast, kVm1Port, 0, 0, 0}, vm1_says(v4));
  flow("switched-to-tunnel", {kOnCn1, kVm1Port, 0, 0, 0}, vm1_says(v6, kVm3.mac));
  flow("from-dvr-mac", {kOnCn2, kTunnel, 2, kFromCn1, 0}, vxlan(kGreenVni, ethernet({kDvrMac1, kVm2.mac}, v4)));
  flow("from-tunnel", {kOnCn2, kTunnel, 0, kFromCn1, 0}, vxlan(kRedVni, vm1_says(v6, kVm3.mac)));
  return seeds;
}

std::filesystem::path corpus_folder() {
  return std::filesystem::path(__FILE__).parent_path().parent_path() / "fuzz" / "corpus";
}

void write_seed(const Seed& seed) {
  const auto folder = corpus_folder() / seed.target;
  std::filesystem::create_directories(folder);
  std::ofstream file(folder / seed.name, std::ios::binary);
  file.write(reinterpret_cast<const char*>(seed.bytes.data()),
             static_cast<std::streamsize>(seed.bytes.size()));
}

Bytes read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("the kept fuzz corpus is what the builders make") {
  for (const auto& seeds : {pipeline_seeds(), flow_cache_seeds(), stage_seeds(), batch_seeds(), coalescer_seeds()})
    for (const Seed& seed : seeds) {
      if (std::getenv("DVR_WRITE_CORPUS") != nullptr) write_seed(seed);
      const bool same = read_file(corpus_folder() / seed.target / seed.name) == seed.bytes;
      CHECK_MESSAGE(same, seed.target << "/" << seed.name << ": run dvr_unit with DVR_WRITE_CORPUS=1");
      CHECK_MESSAGE(seed.bytes.size() < kMostBytes, seed.name);
    }
}

}  // namespace dvr::test
