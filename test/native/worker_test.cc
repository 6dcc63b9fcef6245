// Workers with real devices: two dataplanes, cn1 and cn2 of nodes.hpp, whose VTEPs are addresses of one `lo`.
//
//   vm1 ── tap16 ── cn1 ── 172.16.0.11 ── lo ── 172.16.0.12 ── cn2 ── tap33 ── vm3        red
#include <doctest/doctest.h>
#include <poll.h>

#include <cstdlib>

#include "allocations.hpp"
#include "base/checksum.hpp"
#include "dataplane_world.hpp"
#include "nodes.hpp"

using namespace dvr;
using namespace dvr::test;

namespace {

Bytes red_frame(const Layer& inner = udp()) {
  return ethernet({.src = kVm1.mac, .dst = kVm3.mac}, ipv4({.src = kVm1.ip, .dst = kVm3.ip}, inner));
}

struct World {
  Dataplane cn1{{.workers = 2}}, cn2;

  explicit World(const DataplaneOptions& of_cn2 = {}) : cn2(of_cn2) {
    set_link_up("lo");
    REQUIRE(!set_link_mtu("lo", 1600));
    add_address("lo:1", kVtep1);
    add_address("lo:2", kVtep2);
    REQUIRE(!cn1.start());
    REQUIRE(!cn2.start());
    REQUIRE(cn1.open(vtep_spec(kVtep1)).ok());
    REQUIRE(cn2.open(vtep_spec(kVtep2)).ok());
    open_tap_up(cn1, 16);
    open_tap_up(cn2, 33);
    REQUIRE(cn1.apply(batch_of(kCn1).bytes()).error.empty());
    REQUIRE(cn2.apply(batch_of(kCn2).bytes()).error.empty());
  }

  uint64_t drops(DropReason reason) const { return cn1.totals().drops[static_cast<size_t>(reason)]; }
  bool is_dropped(DropReason reason) {
    return eventually([&] { return drops(reason) > 0; });
  }
};

template <class Body>
void in_world(Body&& body, const DataplaneOptions& of_cn2 = {}) {
  in_new_netns([&] {
    World world(of_cn2);
    body(world);
  });
}

PortTotals port_of(const Totals& totals, PortId port) {
  for (const auto& [id, counts] : totals.ports)
    if (id == port) return counts;
  return {};
}

}  // namespace

TEST_CASE("A frame goes from vm1 on cn1 through VXLAN to vm3 on cn2, and every port counts it") {
  in_world([](World& world) {
    Guest vm1("tap16"), vm3("tap33");
    const Bytes frame = red_frame();
    vm1.send(frame);
    CHECK(vm3.receive() == frame);
    // A worker counts what it has sent, so a moment after the frame is here.
    CHECK(eventually([&] { return port_of(world.cn1.totals(), kTunnelPort).tx_packets == 1; }));
    const Totals cn1 = world.cn1.totals();
    CHECK(port_of(cn1, PortId{16}).rx_packets == 1);
    CHECK(port_of(cn1, PortId{16}).rx_bytes == frame.size());
    CHECK(port_of(cn1, kTunnelPort).tx_bytes == frame.size() + kVxlanHeaderBytes);
    CHECK(cn1.edges[static_cast<size_t>(StageId::vxlan_encap)][static_cast<size_t>(StageId::output)] == 1);
    CHECK(eventually([&] { return port_of(world.cn2.totals(), PortId{33}).tx_packets == 1; }));
  });
}

TEST_CASE("A super-frame is cut at the tunnel into segments that pass it and carry good checksums") {
  in_world([](World& world) {
    Guest vm3("tap33");
    Bytes frame = red_frame(tcp({}, payload(10000)));
    const uint64_t pseudo = checksum_add(0, {&frame[26], 8}) + 6 + (frame.size() - 34);
    store_be16(&frame[50], checksum_fold(pseudo));
    Guest vm1("tap16");
    vm1.send_super_frame(frame, {GsoType::tcp_v4, false, true, 1446, 54, 34, 16});

    size_t payload_bytes = 0;
    while (payload_bytes < 10000) {
      const Bytes segment = vm3.receive();
      REQUIRE(segment.size() > 54);
      payload_bytes += segment.size() - 54;
      const std::span<const uint8_t> transport(&segment[34], segment.size() - 34);
      const uint64_t sum = checksum_add(0, {&segment[26], 8}) + 6 + transport.size();
      CHECK(checksum_fold(checksum_add(sum, transport)) == 0xffff);
    }
    CHECK(payload_bytes == 10000);
    CHECK(eventually([&] { return port_of(world.cn1.totals(), kTunnelPort).tx_packets == 7; }));
    CHECK(port_of(world.cn1.totals(), PortId{16}).rx_packets == 1);
  }, {.allowed = {.csum = true, .udp_gro = true}});  // a TAP without TSO gets what was on the wire
}

TEST_CASE("A broadcast reaches the local ports of its network and the other node once each") {
  in_world([](World& world) {
    open_tap_up(world.cn1, 20);
    Guest vm1("tap16"), router("tap20"), vm3("tap33");
    const Bytes frame = ethernet({.src = kVm1.mac, .dst = kBroadcast}, ipv4({.src = kVm1.ip, .dst = "10.1.0.255"_ip}));
    vm1.send(frame);
    CHECK(router.receive() == frame);
    CHECK(vm3.receive() == frame);
    CHECK(vm3.receive(50).empty());
    CHECK(vm1.receive(50).empty());
  });
}

TEST_CASE("port_gone: a packet to a port without a device is dropped with that reason") {
  in_world([](World& world) {
    Guest vm1("tap16");
    vm1.send(ethernet({.src = kVm1.mac, .dst = kRedGateway.mac}, ipv4({.src = kVm1.ip, .dst = kVm2.ip})));
    CHECK(world.is_dropped(DropReason::port_gone));
  });
}

TEST_CASE("port_down: a packet to a device that is not up is dropped with that reason") {
  in_world([](World& world) {
    REQUIRE(world.cn1.open(tap_spec(20)).ok());  // not up
    Guest vm1("tap16");
    vm1.send(ethernet({.src = kVm1.mac, .dst = kRedGateway.mac}, ipv4({.src = kVm1.ip, .dst = kVm2.ip})));
    CHECK(world.is_dropped(DropReason::port_down));
  });
}

TEST_CASE("port_refused: a frame that the kernel does not take is dropped with that reason") {
  in_world([](World&) {
    auto opened = open_tap(tap_spec(20));
    REQUIRE(opened.ok());
    set_link_up("tap20");
    Wiring wiring;
    wiring.devices[20] = std::move(opened.value);
    const auto counters = std::make_unique<Counters>();
    Transmit transmit(*counters);
    transmit.use(wiring);
    Buffer frame(red_frame());
    Packet packet;
    packet.frame = frame.frame();
    // Super-frames of no segment size are in no driver's gift.
    packet.offload = {.gso = GsoType::tcp_v4, .needs_csum = true, .gso_bytes = 0, .csum_start = 34, .csum_offset = 16};
    transmit.to_port(PortId{20}, packet);
    CHECK(counters->drops[static_cast<size_t>(DropReason::port_refused)].value() == 1);
  });
}

TEST_CASE("no_underlay: a packet to another node is dropped while there is no VTEP socket") {
  in_world([](World& world) {
    world.cn1.close_device("vtep");
    Guest vm1("tap16");
    vm1.send(red_frame());
    CHECK(world.is_dropped(DropReason::no_underlay));
  });
}

TEST_CASE("over_mtu and send_failed: what the kernel refuses is dropped with the reason") {
  in_world([](World& world) {
    Guest vm1("tap16");
    REQUIRE(!set_link_mtu("lo", 1280));
    vm1.send(red_frame(udp({}, payload(1400))));
    CHECK(world.is_dropped(DropReason::over_mtu));
    const Batch unreachable = Batch(2).put<UcastToTunRow>({{1}, kVm3.mac}, {"203.0.113.1"_ip, false, false});
    REQUIRE(world.cn1.apply(unreachable.bytes()).error.empty());
    vm1.send(red_frame());
    CHECK(world.is_dropped(DropReason::send_failed));
  });
}

TEST_CASE("Who listens on br-int and br-tun sees what passes them, and nobody else pays") {
  in_world([](World& world) {
    REQUIRE(world.cn1.open(mirror_spec(kMirrorBrInt)).ok());
    REQUIRE(world.cn1.open(mirror_spec(kMirrorBrTun)).ok());
    Guest vm1("tap16"), vm3("tap33"), br_int("br-int"), br_tun("br-tun");
    vm1.send(red_frame());
    CHECK(!vm3.receive().empty());
    CHECK(port_of(world.cn1.totals(), kMirrorBrInt).tx_packets == 0);

    world.cn1.set_mirrors({.br_int = true, .br_tun = true});
    vm1.send(red_frame());
    CHECK(br_int.receive() == red_frame());
    CHECK(br_int.vlan == 1);
    CHECK(br_tun.receive() == red_frame());
    CHECK(br_tun.vlan == 0);
    CHECK(!vm3.receive().empty());
  });
}

TEST_CASE("A marked packet leaves a record at every stage, an unmarked one leaves none") {
  in_world([](World& world) {
    TraceMarker marker;
    marker.fill(0xda);  // what payload() of builders.hpp is full of
    world.cn1.set_trace(marker);
    Guest vm1("tap16"), vm3("tap33");
    vm1.send(red_frame(udp({}, payload(10))));
    vm1.send(red_frame(udp({}, payload(16))));
    CHECK(!vm3.receive().empty());
    CHECK(!vm3.receive().empty());
    const std::string trace = world.cn1.take_trace();
    size_t records = 0;
    for (size_t at = 0; (at = trace.find("\"stage\"", at)) != std::string::npos; ++at) ++records;
    CHECK(records == 8);
    CHECK(trace.find("\"lost\":0") != std::string::npos);
    CHECK(world.cn1.take_trace().find("\"stage\"") == std::string::npos);
  });
}

TEST_CASE("An injected frame is treated as if its port's device had sent it") {
  in_world([](World& world) {
    Guest vm3("tap33");
    REQUIRE(!world.cn1.inject(PortId{16}, red_frame()));
    CHECK(vm3.receive() == red_frame());
  });
}

TEST_CASE("A device that vanishes is reported once, its worker sleeps again, and its name can be used anew") {
  in_world([](World& world) {
    REQUIRE(system("ip link del tap16 2>/dev/null") == 0);
    std::vector<std::string> gone;
    const auto take = [&] {
      world.cn1.take_events([&](const Device& device) { gone.push_back(device.spec.name); }, [](const Learned&) {});
    };
    CHECK(eventually([&] { return take(), !gone.empty(); }));
    clock_t before = clock();
    const timespec pause{0, 100'000'000};
    nanosleep(&pause, nullptr);
    CHECK(clock() - before < CLOCKS_PER_SEC / 20);
    take();
    CHECK(gone == std::vector<std::string>{"vm/vm16"});
    world.cn1.close_device("vm/vm16");
    CHECK(world.cn1.open(tap_spec(16)).ok());
    CHECK(port_of(world.cn1.totals(), PortId{16}).rx_packets == 0);
  });
}

TEST_CASE("The bell rings when a device vanishes, and is silent once it was heard") {
  in_world([](World& world) {
    const auto rings = [&] {
      pollfd ask{world.cn1.events().fd(), POLLIN, 0};
      return poll(&ask, 1, 0) == 1;
    };
    eventually([&] { return world.cn1.reclaim(); });
    world.cn1.events().hear();
    CHECK(!rings());
    REQUIRE(system("ip link del tap16 2>/dev/null") == 0);
    CHECK(eventually(rings));
    world.cn1.events().hear();
    CHECK(!rings());
    CHECK(world.cn1.has_events());
  });
}

TEST_CASE("A closed device is gone from the kernel, one that a stopped dataplane had stays") {
  in_world([](World& world) {
    world.cn1.close_device("vm/vm16");
    world.cn1.close_device("vm/vm16");
    CHECK(link_index("tap16") == 0);
    world.cn2.stop();
    world.cn2.stop();
    CHECK(link_index("tap33") != 0);
  });
}

TEST_CASE("Opening a device twice gives the same one, with another spec it is refused") {
  in_world([](World& world) {
    const auto again = world.cn1.open(tap_spec(16));
    CHECK(again.ok());
    CHECK(world.cn1.devices().size() == 2);
    CHECK(world.cn1.open(tap_spec(16, 1400)).error.number == EEXIST);
    DeviceSpec other = tap_spec(16);
    other.name = "vm/other";
    CHECK(world.cn1.open(other).error.number == EEXIST);
  });
}

TEST_CASE("Packets sent while one dataplane hands its descriptors to the next are not lost") {
  in_world([](World& world) {
    Guest vm1("tap16"), vm3("tap33");
    Fd tap{dup(world.cn1.devices()[0]->fd())}, vtep{dup(world.cn1.devices()[1]->fd())};
    const unsigned ifindex = world.cn1.devices()[0]->ifindex;
    world.cn1.stop();
    for (int i = 0; i < 20; ++i) vm1.send(red_frame());
    Dataplane next({.workers = 1});
    REQUIRE(!next.start());
    REQUIRE(next.apply(batch_of(kCn1).bytes()).error.empty());
    REQUIRE(next.adopt(vtep_spec(kVtep1), only(std::move(vtep)), 0).ok());
    REQUIRE(next.adopt(tap_spec(16), only(std::move(tap)), ifindex).ok());
    for (int i = 0; i < 20; ++i) CHECK(!vm3.receive().empty());
  });
}

TEST_CASE("A MAC behind an interop VTEP is reported as learned") {
  in_world([](World& world) {
    add_address("lo:3", kLeaf);
    const Fd leaf{socket(AF_INET, SOCK_DGRAM, 0)};
    const SocketAddress from = socket_address(kLeaf, 50000), to = socket_address(kVtep1, 4789);
    REQUIRE(bind(leaf.number(), from.get(), from.bytes) == 0);
    const Bytes datagram =
        vxlan(kRedVni, ethernet({.src = kStranger.mac, .dst = kVm1.mac}, ipv4({.src = kStranger.ip, .dst = kVm1.ip})));
    REQUIRE(sendto(leaf.number(), datagram.data(), datagram.size(), 0, to.get(), to.bytes) > 0);
    std::vector<Learned> all;
    CHECK(eventually([&] {
      world.cn1.take_events([](const Device&) {}, [&](const Learned& learned) { all.push_back(learned); });
      return !all.empty();
    }));
    REQUIRE(all.size() == 1);
    CHECK(all[0].mac == kStranger.mac);
    CHECK(all[0].vtep == kLeaf);
    CHECK(all[0].local_vlan == LocalVlan{1});
  });
}

TEST_CASE("What a VM announces is reported, and no more of it than one port may say") {
  in_world([](World& world) {
    Guest vm1("tap16");
    const IpAddr shared = "10.1.0.100"_ip;
    REQUIRE(world.cn1
                .apply(Batch()
                           .put<NeighbourRow>({{1}, shared}, {kVm3.mac, false, true})
                           .put<AllowedSourceRow>({PortId{16}, kVm1.mac, shared, 128}, {})
                           .bytes())
                .error.empty());
    const Bytes announcement = ethernet(
        {kVm1.mac, kBroadcast}, arp({.sender_mac = kVm1.mac, .sender_ip = shared, .target_ip = shared}));
    const auto ignored = [](const auto&) {};
    std::vector<Announced> all;
    const auto untold = [&] {
      world.cn1.take_events(ignored, ignored, [&](const Announced& announced) { all.push_back(announced); });
      for (int count = 0; count < 10; ++count) vm1.send(announcement);
      return engine(world.cn1, "announcements_untold") > 0;
    };
    CHECK(eventually(untold));
    REQUIRE(all.size() >= kAnnouncementBurst - 1);
    CHECK(all[0].port == PortId{16});
    CHECK(all[0].ip == shared);
    CHECK(all[0].mac == kVm1.mac);
  });
}

TEST_CASE("A port that announces without end takes nothing from the others, and may speak again later") {
  AnnouncementLimit limit;
  const uint64_t now_ns = 1'000'000'000'000;
  for (uint64_t count = 0; count < kAnnouncementBurst; ++count) REQUIRE(limit.allows({16}, now_ns));
  CHECK_FALSE(limit.allows({16}, now_ns));
  CHECK(limit.allows({17}, now_ns));
  const uint64_t later_ns = now_ns + 1'000'000'000;
  for (uint64_t count = 0; count < kAnnouncementsPerSecond; ++count) REQUIRE(limit.allows({16}, later_ns));
  CHECK_FALSE(limit.allows({16}, later_ns));
}

TEST_CASE("Workers allocate nothing while they carry packets") {
  in_world([](World&) {
    Guest vm1("tap16"), vm3("tap33");
    const auto carry = [&] {
      for (int count = 0; count < 50; ++count) vm1.send(red_frame());
      for (int count = 0; count < 50; ++count) REQUIRE(!vm3.receive().empty());
    };
    carry();
    const uint64_t before = allocations_elsewhere();
    carry();
    CHECK(allocations_elsewhere() == before);
  });
}
