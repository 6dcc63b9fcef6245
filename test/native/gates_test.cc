// Gated ports: workers with real devices, where the router's port is gated as `sg-` is on a network node.
//
//   vm1 ── tap16 ──┐
//   vm5 ── tap30 ──┼── node ── tap20 ── router        red; tap20 is gated
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>

#include "base/clock.hpp"
#include "dataplane_world.hpp"
#include "gro_cases.hpp"
#include "nodes.hpp"

using namespace dvr;
using namespace dvr::test;

namespace {

constexpr PortId kVm5Port{30};
const std::string kGate = "vm/vm20";
// Long enough for whatever a test does while its gate is open.
constexpr uint64_t kLongNs = 30'000'000'000;

DeviceSpec gated(uint16_t port) {
  DeviceSpec spec = tap_spec(port);
  spec.gated = true;
  return spec;
}

Bytes to_router(const Layer& inner = udp()) {
  return ethernet({.src = kVm1.mac, .dst = kRedGateway.mac}, ipv4({.src = kVm1.ip, .dst = kVm2.ip}, inner));
}
Bytes to_vm1() {
  return ethernet({.src = kRedGateway.mac, .dst = kVm1.mac}, ipv4({.src = kVm2.ip, .dst = kVm1.ip}, udp()));
}
Bytes to_all() {
  return ethernet({.src = kVm1.mac, .dst = kBroadcast}, ipv4({.src = kVm1.ip, .dst = "10.1.0.255"_ip}, udp()));
}

struct GatedWorld {
  Dataplane node{{.workers = 2}};

  GatedWorld() {
    REQUIRE(!node.start());
    open_tap_up(node, 16);
    open_tap_up(node, kVm5Port.value);
    REQUIRE(node.apply(batch_of(kCn1).put<FloodRow>({{1}, kVm5Port}).bytes()).error.empty());
  }

  void open_router() {
    REQUIRE(node.open(gated(20)).ok());
    disable_link_ipv6("tap20");
    set_link_up("tap20");
  }
  SystemError hold(uint64_t until_ns) { return node.hold_gates(std::array{GateHold{kGate, until_ns}}); }
  void hold_long() { REQUIRE(!hold(monotonic_ns() + kLongNs)); }
  uint64_t closed() const { return node.totals().drops[static_cast<size_t>(DropReason::gate_closed)]; }
  PortTotals router() const {
    for (const auto& [port, counts] : node.totals().ports)
      if (port == PortId{20}) return counts;
    return {};
  }
};

template <class Body>
void in_gated_world(Body&& body) {
  in_new_netns([&] {
    GatedWorld world;
    body(world);
  });
}

// Stops a worker as a scheduler would that has no CPU for it, wherever it is just then.
class StoppedWorker {
 public:
  explicit StoppedWorker(int index) {
    struct sigaction action{};
    action.sa_handler = [](int) {
      stops_ = true;
      while (stays_) usleep(1000);
      stops_ = false;
    };
    action.sa_flags = SA_RESTART;
    sigaction(SIGUSR1, &action, nullptr);
    stays_ = true;
    syscall(SYS_tgkill, getpid(), thread_named("dvr worker " + std::to_string(index)), SIGUSR1);
    REQUIRE(eventually([] { return stops_.load(); }));
  }
  ~StoppedWorker() {
    stays_ = false;
    eventually([] { return !stops_; });
  }

 private:
  static pid_t thread_named(const std::string& wanted) {
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
      std::string name;
      std::ifstream comm(task.path() / "comm");
      std::getline(comm, name);
      if (name == wanted) return std::stoi(task.path().filename());
    }
    FAIL("no thread " << wanted);
    return 0;
  }
  static inline std::atomic<bool> stays_{false}, stops_{false};
};

}  // namespace

TEST_CASE("Nothing passes a gated port, in or out, until its gate is held open") {
  in_gated_world([](GatedWorld& world) {
    world.open_router();
    Guest vm1("tap16"), router("tap20");
    vm1.send(to_router());
    CHECK(eventually([&] { return world.closed() == 1; }));
    router.send(to_vm1());
    CHECK(eventually([&] { return world.closed() == 2; }));
    REQUIRE(!world.node.inject(PortId{20}, to_vm1()));
    CHECK(eventually([&] { return world.closed() == 3; }));
    CHECK(world.router().rx_packets + world.router().tx_packets == 0);

    world.hold_long();
    vm1.send(to_router());
    CHECK(router.receive() == to_router());
    router.send(to_vm1());
    CHECK(vm1.receive() == to_vm1());
    REQUIRE(!world.node.inject(PortId{20}, to_vm1()));
    CHECK(vm1.receive() == to_vm1());
    CHECK(world.closed() == 3);
  });
}

TEST_CASE("A flood reaches every port but the one whose gate is shut") {
  in_gated_world([](GatedWorld& world) {
    world.open_router();
    Guest vm1("tap16"), vm5("tap30"), router("tap20");
    vm1.send(to_all());
    CHECK(vm5.receive() == to_all());
    CHECK(eventually([&] { return world.closed() == 1; }));
    CHECK(router.receive(50).empty());
    world.hold_long();
    vm1.send(to_all());
    CHECK(vm5.receive() == to_all());
    CHECK(router.receive() == to_all());
  });
}

TEST_CASE("A super-frame to a shut gate is one packet dropped, to an open one it passes whole") {
  in_gated_world([](GatedWorld& world) {
    world.open_router();
    Guest vm1("tap16"), router("tap20");
    const Bytes frame = to_router(tcp({}, payload(10000)));
    const Offload offload{GsoType::tcp_v4, false, true, 1446, 54, 34, 16};
    vm1.send_super_frame(frame, offload);
    CHECK(eventually([&] { return world.closed() == 1; }));
    CHECK(router.receive(50).empty());
    world.hold_long();
    vm1.send_super_frame(frame, offload);
    CHECK(router.receive().size() == frame.size());
  });
}

TEST_CASE("A gate shuts at its deadline though nobody calls any more") {
  in_gated_world([](GatedWorld& world) {
    world.open_router();
    Guest vm1("tap16"), router("tap20");
    // Until one frame has passed: a machine under load may need longer than one deadline for that.
    CHECK(eventually([&] {
      REQUIRE(!world.hold(monotonic_ns() + 200'000'000));
      vm1.send(to_router());
      return !router.receive(200).empty();
    }));
    const uint64_t closed = world.closed();
    CHECK(eventually([&] {
      vm1.send(to_router());
      return world.closed() > closed;
    }));
    while (!router.receive(50).empty()) continue;
    const uint64_t passed = world.router().tx_packets;
    for (int count = 0; count < 20; ++count) vm1.send(to_router());
    CHECK(eventually([&] { return world.closed() >= closed + 21; }));
    CHECK(world.router().tx_packets == passed);
  });
}

TEST_CASE("A deadline that is replaced by an earlier one holds no longer") {
  in_gated_world([](GatedWorld& world) {
    world.open_router();
    Guest vm1("tap16"), router("tap20");
    world.hold_long();
    REQUIRE(!world.hold(monotonic_ns() + 1'000'000));
    CHECK(eventually([&] {
      vm1.send(to_router());
      return world.closed() > 0;
    }));
  });
}

TEST_CASE("No packet passes a gate once shutting it has been answered, however many are under way") {
  in_gated_world([](GatedWorld& world) {
    world.open_router();
    Guest router("tap20");
    std::atomic<bool> over{false};
    std::thread sender([&] {
      Guest vm1("tap16");
      while (!over) vm1.send(to_router());
    });
    int rounds_with_traffic = 0;
    for (int round = 0; round < 50; ++round) {
      world.hold_long();
      const uint64_t before = world.router().tx_packets;
      if (eventually([&] { return world.router().tx_packets > before + 50; })) ++rounds_with_traffic;
      if (world.hold(0)) continue;  // a worker without a CPU for so long; what holds then is said below
      const uint64_t passed = world.router().tx_packets, closed = world.closed();
      CHECK(eventually([&] { return world.closed() > closed + 50; }));
      CHECK(world.router().tx_packets == passed);
    }
    CHECK(rounds_with_traffic == 50);
    over = true;
    sender.join();
  });
}

TEST_CASE("Shutting a gate is refused with EAGAIN while a stopped worker has packets in hand, and is to be asked again") {
  in_gated_world([](GatedWorld& world) {
    world.open_router();
    std::atomic<bool> over{false};
    std::thread sender([&] {
      Guest vm1("tap16");
      while (!over) vm1.send(to_router());
    });
    SystemError answer;
    // One of the two workers has the flow, and mostly it is stopped where it has nothing in hand: a packet is not long
    // in its hands. Then there is nobody to wait for.
    for (int tries = 0; tries < 5000 && answer.number != EAGAIN; ++tries) {
      world.hold_long();
      const StoppedWorker worker(tries % 2);
      answer = world.hold(0);
    }
    CHECK(answer.number == EAGAIN);
    CHECK(!world.hold(0));
    const uint64_t passed = world.router().tx_packets, closed = world.closed();
    CHECK(eventually([&] { return world.closed() > closed; }));
    CHECK(world.router().tx_packets == passed);
    over = true;
    sender.join();
  });
}

TEST_CASE("A gate is remembered by its device's name before the device is open, and for its next one") {
  in_gated_world([](GatedWorld& world) {
    world.hold_long();
    world.open_router();
    {
      Guest vm1("tap16"), router("tap20");
      vm1.send(to_router());
      CHECK(router.receive() == to_router());
    }
    world.node.close_device(kGate);
    REQUIRE(!world.hold(0));
    world.open_router();
    Guest vm1("tap16");
    vm1.send(to_router());
    CHECK(eventually([&] { return world.closed() == 1; }));
  });
}

TEST_CASE("A device is another one with a gate than without") {
  in_gated_world([](GatedWorld& world) {
    world.open_router();
    CHECK(world.node.open(gated(20)).ok());
    CHECK(world.node.open(tap_spec(20)).error.number == EEXIST);
  });
}

TEST_CASE("A gate is held for a device that has none without effect") {
  in_gated_world([](GatedWorld& world) {
    open_tap_up(world.node, 20);
    REQUIRE(!world.hold(0));
    Guest vm1("tap16"), router("tap20");
    vm1.send(to_router());
    CHECK(router.receive() == to_router());
  });
}

TEST_CASE("No more than kMaxGates gates are held open, and what is refused changes none") {
  in_gated_world([](GatedWorld& world) {
    const uint64_t until_ns = monotonic_ns() + kLongNs;
    std::vector<GateHold> all;
    for (size_t at = 0; at < kMaxGates; ++at) all.push_back({"other" + std::to_string(at), until_ns});
    REQUIRE(!world.node.hold_gates(all));
    world.open_router();
    const std::array too_many{GateHold{"other1", 0}, GateHold{kGate, until_ns}, GateHold{"other", until_ns}};
    CHECK(world.node.hold_gates(too_many).number == ENOBUFS);
    // "other1" is open still, so there is no room; what is shut makes some.
    CHECK(world.hold(until_ns).number == ENOBUFS);
    CHECK(!world.node.hold_gates(std::array{GateHold{"other2", 0}, GateHold{kGate, until_ns}}));
  });
}

TEST_CASE("Gates whose deadline has passed take no room") {
  Gates gates;
  CHECK(gates.hold(std::array{GateHold{"a", 100}, GateHold{"b", 200}}, 50));
  CHECK(gates.count() == 2);
  CHECK(gates.hold(std::array{GateHold{"c", 300}}, 150));
  CHECK(gates.count() == 2);
}

TEST_CASE("Workers are waited for where a deadline does not come later than the one before") {
  Gates gates;
  CHECK(gates.hold(std::array{GateHold{"a", 100}}, 50));
  CHECK(gates.hold(std::array{GateHold{"a", 110}}, 60));
  CHECK_FALSE(gates.hold(std::array{GateHold{"a", 105}}, 60));
  CHECK_FALSE(gates.hold(std::array{GateHold{"a", 105}}, 60));  // asked again
  CHECK_FALSE(gates.hold(std::array{GateHold{"a", 0}}, 60));
  CHECK_FALSE(gates.hold(std::array{GateHold{"a", 0}}, 60));
  CHECK(gates.hold(std::array{GateHold{"a", 70}}, 60));
  CHECK_FALSE(gates.hold(std::array{GateHold{"a", 70}}, 80));  // it has been shut by itself, and is to be shut
}

TEST_CASE("A gate shuts a tick of the coarse clock early, never late") {
  Gates gates;
  const uint64_t now_ns = monotonic_ns(), until_ns = now_ns + kLongNs;
  gates.hold(std::array{GateHold{"a", until_ns}}, now_ns);
  CHECK(gates.shut_at_ns("a") + coarse_tick_ns() == until_ns);
  CHECK(gates.shut_at_ns("b") == 0);
  CHECK(monotonic_coarse_ns() <= monotonic_ns());
}

TEST_CASE("Packets that wait to be joined are dropped where the gate shuts before they are written") {
  in_new_netns([] {
    auto opened = open_tap(gated(20));
    REQUIRE(opened.ok());
    set_link_up("tap20");
    Wiring wiring;
    wiring.devices[20] = std::move(opened.value);
    wiring.gates_shut_at_ns[20] = monotonic_ns() + kLongNs;
    const auto counters = std::make_unique<Counters>();
    Transmit transmit(*counters);
    transmit.use(wiring);
    GroCase plain{"", kAll, "", [](size_t, FlowFields&) {}};
    plain.count = 3;
    std::vector<std::unique_ptr<Buffer>> buffers;
    for (const Bytes& frame : packets_of(plain, Kind::tcp4)) {
      Packet packet;
      packet.frame = buffers.emplace_back(std::make_unique<Buffer>(frame))->frame();
      transmit.to_port(PortId{20}, packet);
    }
    CHECK(!transmit.is_empty());
    wiring.gates_shut_at_ns[20] = monotonic_coarse_ns();
    transmit.flush();
    CHECK(counters->ports[20].tx_packets.value() == 0);
    CHECK(counters->drops[static_cast<size_t>(DropReason::gate_closed)].value() == 3);
  });
}
