// The flow cache in a worker with real devices: it is on, it counts what it lets past the stages, and it stands back
// for who wants to see every hop.
//
//   vm1 ── tap16 ── cn1, r1 routed in the fast path ── tap17 ── vm4
#include <doctest/doctest.h>

#include <string>

#include "dataplane_world.hpp"
#include "nodes.hpp"

using namespace dvr;
using namespace dvr::test;

namespace {

constexpr size_t kRouted = 6;  // stages: classify, anti_spoof, arp_responder, find_router, route, switch

struct RoutingNode {
  Dataplane cn1{{}};

  RoutingNode() {
    REQUIRE(!cn1.start());
    open_tap_up(cn1, 16);
    open_tap_up(cn1, 17);
    REQUIRE(cn1.apply(fast_batch_of(kCn1).bytes()).error.empty());
  }
  // A pass counts what went past the stages when it ends, which may be after the packet was received.
  bool has_known(uint64_t packets) const {
    return eventually([&] { return engine(cn1, "flow_cache_hits") >= packets; }) &&
           engine(cn1, "flow_cache_hits") == packets;
  }
  // Of the stages that these packets pass, and of the last edge.
  std::vector<uint64_t> counted() const {
    const Totals totals = cn1.totals();
    std::vector<uint64_t> counts;
    for (const StageId stage : {StageId::classify, StageId::anti_spoof, StageId::arp_responder, StageId::find_router,
                                StageId::route, StageId::switch_})
      counts.push_back(totals.stages[static_cast<size_t>(stage)]);
    counts.push_back(totals.edges[static_cast<size_t>(StageId::switch_)][static_cast<size_t>(StageId::output)]);
    return counts;
  }
};

Bytes routed(const Bytes& carried, uint8_t ttl) {
  const MacAddr& src = ttl == 64 ? kVm1.mac : kGreenGateway.mac;
  const MacAddr& dst = ttl == 64 ? kRedGateway.mac : kVm4.mac;
  return ethernet({.src = src, .dst = dst}, ipv4({.src = kVm1.ip, .dst = kVm4.ip, .ttl = ttl}, udp({}, {0, carried})));
}

// Sends so many packets of one flow, one after the other, and sees each of them arrive.
void send_some(Guest& vm1, Guest& vm4, size_t count, const Bytes& carried = Bytes(20, 7)) {
  for (size_t sent = 0; sent < count; ++sent) {
    vm1.send(routed(carried, 64));
    CHECK(vm4.receive() == routed(carried, 63));
  }
}

}  // namespace

TEST_CASE("A worker lets all but the first packet of a flow past the stages, and counts each in every stage") {
  in_new_netns([] {
    RoutingNode node;
    Guest vm1("tap16"), vm4("tap17");
    send_some(vm1, vm4, 10);
    CHECK(node.has_known(9));
    CHECK(node.counted() == std::vector<uint64_t>(kRouted + 1, 10));
    // New tables: the stages are asked once more.
    const Batch again = Batch().put<NetworkRow>({kCn1.red.local_vlan}, {{kRedVni}, kMtuBytes});
    REQUIRE(node.cn1.apply(again.bytes()).error.empty());
    send_some(vm1, vm4, 3);
    CHECK(node.has_known(11));
  });
}

TEST_CASE("While a bridge is shown every packet passes the stages, and its device shows each") {
  in_new_netns([] {
    RoutingNode node;
    Guest vm1("tap16"), vm4("tap17");
    send_some(vm1, vm4, 5);
    REQUIRE(node.cn1.open(mirror_spec(kMirrorBrInt)).ok());
    set_link_up("br-int");
    Guest shown("br-int");
    for (const Mirrors& mirrors : {Mirrors{.br_int = true}, Mirrors{.br_tun = true}, Mirrors{.br_ex = true}}) {
      node.cn1.set_mirrors(mirrors);
      send_some(vm1, vm4, 4);
      CHECK(node.has_known(4));
    }
    // To the router and out of it, as often as br-int was shown.
    size_t hops = 0;
    for (Bytes frame = shown.receive(); !frame.empty(); frame = shown.receive(100)) hops += frame.size() == 62;
    CHECK(hops == 8);
    node.cn1.set_mirrors({});
    send_some(vm1, vm4, 4);
    CHECK(node.has_known(8));
  });
}

TEST_CASE("A packet that carries the trace marker passes the stages, and each of them is recorded") {
  in_new_netns([] {
    RoutingNode node;
    Guest vm1("tap16"), vm4("tap17");
    const TraceMarker marker{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    const Bytes marked(marker.begin(), marker.end());
    send_some(vm1, vm4, 2, marked);
    CHECK(node.has_known(1));
    node.cn1.set_trace(marker);
    send_some(vm1, vm4, 3, marked);
    CHECK(node.has_known(1));
    const std::string trace = node.cn1.take_trace();
    size_t records = 0;
    for (size_t at = 0; (at = trace.find("\"stage\"", at)) != std::string::npos; ++at) ++records;
    CHECK(records == 3 * kRouted);
    // What does not carry it is as before.
    send_some(vm1, vm4, 2, Bytes(16, 9));
    CHECK(node.has_known(3));
  });
}
