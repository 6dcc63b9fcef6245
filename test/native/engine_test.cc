// The engine of the worker with real devices: trains, runs, the rungs of its ladder, and its sleep. What a VM
// sent waits in its TAP before the worker looks, so that one pass has all of it and what it makes is known.
//
//   vm1 ── tap16 ── cn1 ── 172.16.0.11 ── lo ── 172.16.0.12 ── cn2 ── tap33 ── vm3        red
#include <doctest/doctest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <map>
#include <string>

#include "base/checksum.hpp"
#include "dataplane_world.hpp"
#include "io/source_ports.hpp"
#include "io/vtep_socket.hpp"
#include "nodes.hpp"
#include "worker/arena.hpp"

using namespace dvr;
using namespace dvr::test;

namespace {

// Two nodes; nothing is read from cn1's devices before it is released.
struct Pair {
  Dataplane cn1, cn2;
  const Device* vm1_tap = nullptr;
  const Device* vtep = nullptr;

  explicit Pair(const DataplaneOptions& options) : cn1(options), cn2(options) {
    set_link_up("lo");
    REQUIRE(!set_link_mtu("lo", 1600));
    add_address("lo:1", kVtep1);
    add_address("lo:2", kVtep2);
    REQUIRE(!cn1.start());
    REQUIRE(!cn2.start());
    cn1.hold();
    const auto opened = cn1.open(vtep_spec(kVtep1));
    REQUIRE(opened.ok());
    vtep = opened.value;
    REQUIRE(cn2.open(vtep_spec(kVtep2)).ok());
    vm1_tap = open_tap_up(cn1, 16);
    open_tap_up(cn2, 33);
    REQUIRE(cn1.apply(batch_of(kCn1).bytes()).error.empty());
    REQUIRE(cn2.apply(batch_of(kCn2).bytes()).error.empty());
  }
};

template <class Body>
void in_pair(Body&& body, const DataplaneOptions& options = {}) {
  in_new_netns([&] {
    Pair pair(options);
    body(pair);
  });
}

Features without(std::initializer_list<bool Features::*> members) {
  Features allowed = kAllFeatures;
  for (const auto member : members) allowed.*member = false;
  return allowed;
}

// UDP payloads that say which flow they are of and where they stand in it.
constexpr size_t kPayloadBytes = 64;
Bytes numbered(uint16_t flow, uint32_t number, size_t bytes_in_all = kPayloadBytes) {
  Bytes bytes;
  add16(bytes, flow), add32(bytes, number);
  bytes.resize(bytes_in_all, 0xda);
  return bytes;
}

struct Way {
  Nic from = kVm1, to = kVm3;
};

uint16_t pseudo_sum(const Bytes& frame, uint8_t protocol) {
  return checksum_fold(checksum_add(0, {&frame[26], 8}) + protocol + (frame.size() - 34));
}

// As a VM's stack sends it: not to be fragmented, with a whole checksum. Others are never joined.
Bytes udp_frame(uint16_t flow, const Bytes& payload_bytes, const Way& way = {}) {
  Bytes frame = ethernet({.src = way.from.mac, .dst = way.to.mac},
                         ipv4({.src = way.from.ip, .dst = way.to.ip},
                              udp({.src_port = static_cast<uint16_t>(40000 + flow), .dst_port = 7}, {0, payload_bytes})));
  store_be16(&frame[20], 0x4000);
  store_be16(&frame[24], checksum_replace(load_be16(&frame[24]), 0, 0x4000));
  const uint64_t sum = checksum_add(pseudo_sum(frame, 17), std::span(frame).subspan(34));
  store_be16(&frame[40], checksum_finish(sum));
  return frame;
}

// A super-frame as a VM's stack gives it: the checksum field has the pseudo-header's sum.
Bytes udp_super_frame(uint16_t flow, uint32_t first, uint32_t count) {
  Bytes all;
  for (uint32_t number = first; number < first + count; ++number) all = joined(std::move(all), numbered(flow, number));
  Bytes frame = udp_frame(flow, all);
  store_be16(&frame[40], pseudo_sum(frame, 17));
  return frame;
}
const Offload kUso{GsoType::udp_l4, false, true, kPayloadBytes, 42, 34, 6};

// All numbers that arrived, by flow, in order; whether alone or joined to super-frames.
std::map<uint16_t, std::vector<uint32_t>> receive_numbers(Guest& guest, size_t count,
                                                          size_t payload_bytes = kPayloadBytes) {
  std::map<uint16_t, std::vector<uint32_t>> numbers;
  while (count > 0) {
    const Bytes frame = guest.receive();
    if (frame.empty()) break;
    REQUIRE(frame.size() > 42);
    REQUIRE((frame.size() - 42) % payload_bytes == 0);
    for (size_t at = 42; at < frame.size(); at += payload_bytes, --count)
      numbers[load_be16(&frame[at])].push_back(load_be32(&frame[at + 2]));
  }
  return numbers;
}

std::vector<uint32_t> first_numbers(uint32_t count) {
  std::vector<uint32_t> numbers;
  for (uint32_t number = 0; number < count; ++number) numbers.push_back(number);
  return numbers;
}

bool has(const Device& device, bool Features::*member) { return device.features.*member; }

// Every later sendmsg of this thread fails with EIO, as a kernel's does for trains to a device that cannot
// finish checksums. sendmmsg is another call.
void refuse_sendmsg_with_eio() {
  sock_filter lines[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sendmsg, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EIO),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{4, lines};
  REQUIRE(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  REQUIRE(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

}  // namespace

TEST_CASE("What waits in a TAP leaves in one train, and reaches the far TAP in runs") {
  in_pair([](Pair& pair) {
    Guest vm1("tap16"), vm3("tap33");
    for (uint32_t number = 0; number < 100; ++number) vm1.send(udp_frame(0, numbered(0, number)));
    pair.cn1.release();
    CHECK(receive_numbers(vm3, 100)[0] == first_numbers(100));
    CHECK(eventually([&] { return engine(pair.cn1, "train_packets") == 100; }));
    const size_t longest = has(*pair.vtep, &Features::udp_segment_128) ? 100 : kShortTrainSegments;
    CHECK(eventually([&] { return engine(pair.cn1, "longest_train") == longest; }));
    CHECK(engine(pair.cn1, "sends") == (100 + longest - 1) / longest);
    // Every packet counts, whatever it travelled in.
    CHECK(eventually([&] { return engine(pair.cn2, "run_packets") == 100; }));
    const Totals cn2 = pair.cn2.totals();
    for (const auto& [port, counts] : cn2.ports)
      if (port == PortId{33}) CHECK((counts.tx_packets == 100 && counts.tx_bytes == 100 * (42 + kPayloadBytes)));
  });
}

TEST_CASE("On every rung of the ladder all packets arrive, each flow in its order, super-frames among them") {
  struct Rung {
    const char* name;
    Features allowed;
  };
  const Rung rungs[] = {
      {"all features", kAllFeatures},
      {"without uso", without({&Features::uso})},
      {"without tso", without({&Features::tso})},
      {"without csum", without({&Features::csum})},
      {"without udp_segment_128", without({&Features::udp_segment_128})},
      {"without udp_segment", without({&Features::udp_segment})},
      {"without udp_gro", without({&Features::udp_gro})},
      {"without anything", Features{}},
  };
  constexpr uint16_t kFlows = 5;
  constexpr uint32_t kRounds = 12, kCut = 4;
  for (const Rung& rung : rungs) {
    INFO(rung.name);
    in_pair([&](Pair& pair) {
      for (const auto& [name, member] : kFeatureNames) {
        INFO(name);
        if (!(rung.allowed.*member)) CHECK(!(has(*pair.vm1_tap, member) || has(*pair.vtep, member)));
      }
      Guest vm1("tap16"), vm3("tap33"), super_vm1("tap16");
      for (uint32_t round = 0; round < kRounds; ++round)
        for (uint16_t flow = 0; flow < kFlows; ++flow)
          if (flow == 4 && round % kCut == 0)
            super_vm1.send_super_frame(udp_super_frame(flow, round, kCut), kUso);
          else if (flow != 4)
            vm1.send(udp_frame(flow, numbered(flow, round)));
      pair.cn1.release();
      auto numbers = receive_numbers(vm3, kFlows * kRounds);
      for (uint16_t flow = 0; flow < kFlows; ++flow) CHECK(numbers[flow] == first_numbers(kRounds));
      const bool trains = rung.allowed.udp_segment;
      CHECK(eventually([&] { return (engine(pair.cn1, "trains") > 0) == trains; }));
      // Batched on both ways: a send carries several packets.
      CHECK(engine(pair.cn1, "sends") < kFlows * kRounds);
      CHECK((engine(pair.cn1, "super_frames_in") > 0) == has(*pair.vm1_tap, &Features::uso));
      CHECK((rung.allowed.uso || engine(pair.cn2, "runs") == 0));
    }, {.allowed = rung.allowed});
  }
}

TEST_CASE("A TCP super-frame is cut for the tunnel and joined again behind it") {
  in_pair([](Pair& pair) {
    Guest vm1("tap16"), vm3("tap33");
    Bytes frame = ethernet({.src = kVm1.mac, .dst = kVm3.mac}, ipv4({.src = kVm1.ip, .dst = kVm3.ip}, tcp({}, payload(14000))));
    store_be16(&frame[50], pseudo_sum(frame, 6));
    vm1.send_super_frame(frame, {GsoType::tcp_v4, false, true, 1400, 54, 34, 16});
    pair.cn1.release();
    const Bytes arrived = vm3.receive();
    CHECK(arrived.size() == frame.size());
    CHECK(eventually([&] { return engine(pair.cn1, "segments_cut") == 10; }));
    CHECK(eventually([&] { return engine(pair.cn1, "trains") == 1; }));
    CHECK(eventually([&] { return engine(pair.cn2, "runs") == 1; }));
    CHECK(eventually([&] { return engine(pair.cn2, "run_packets") == 10; }));
  });
}

TEST_CASE("A broadcast that waits in a train is what it was, whatever is written in front of it meanwhile") {
  in_pair([](Pair& pair) {
    open_tap_up(pair.cn1, 20);
    Guest vm1("tap16"), router("tap20"), vm3("tap33");
    // The checksum is unfinished, so that a port and a train must agree on what was done to it.
    Bytes frame = ethernet({.src = kVm1.mac, .dst = kBroadcast},
                           ipv4({.src = kVm1.ip, .dst = "10.1.0.255"_ip}, udp({}, {0, numbered(0, 1)})));
    for (int count = 0; count < 8; ++count) vm1.send(frame);
    pair.cn1.release();
    for (int count = 0; count < 8; ++count) {
      CHECK(router.receive() == frame);
      CHECK(vm3.receive() == frame);
    }
    CHECK(eventually([&] { return engine(pair.cn1, "train_packets") == 16; }));  // to cn2 and to the leaf
  });
}

TEST_CASE("A source port whose trains the kernel refuses with EIO sends packet by packet from then on") {
  in_new_netns([] {
    set_link_up("lo");
    auto opened = open_vtep(vtep_spec("127.0.0.11"_ip));
    auto far = open_vtep(vtep_spec("127.0.0.12"_ip));
    REQUIRE(opened.ok());
    REQUIRE(far.ok());
    REQUIRE(opened.value->features.udp_segment);
    Wiring wiring;
    opened.value->serial = 1;
    wiring.devices[kTunnelPort.value] = std::move(opened.value);
    const auto counters = std::make_unique<Counters>();
    const auto transmit = std::make_unique<Transmit>(*counters);
    refuse_sendmsg_with_eio();
    Buffer frame(udp_frame(0, numbered(0, 0)));
    for (int train = 0; train < 2; ++train) {
      transmit->use(wiring);
      for (int count = 0; count < 10; ++count) {
        Packet packet;
        packet.frame = frame.frame();
        packet.encapsulated = true;
        transmit->to_vtep("127.0.0.12"_ip, packet);
      }
      transmit->flush();
    }
    CHECK(counters->engine.trains_refused.value() == 1);
    CHECK(counters->engine.trains.value() == 0);
    CHECK(counters->ports[kTunnelPort.value].tx_packets.value() == 20);
    Bytes buffer(kMaxFrameBytes);
    size_t received_bytes = 0;
    for (Received got = receive_vxlan(far.value->fd(), buffer); !got.bytes.empty();
         got = receive_vxlan(far.value->fd(), buffer))
      received_bytes += got.bytes.size();
    CHECK(received_bytes == 20 * (frame.frame().size() + kVxlanHeaderBytes));
  });
}

TEST_CASE("over_mtu: every packet of a train that passes the path's MTU is counted") {
  for (const bool segment : {true, false})
    in_pair([&](Pair& pair) {
      REQUIRE(!set_link_mtu("lo", 1280));
      Guest vm1("tap16");
      for (int count = 0; count < 5; ++count) vm1.send(udp_frame(0, Bytes(1400)));
      pair.cn1.release();
      CHECK(eventually([&] { return pair.cn1.totals().drops[static_cast<size_t>(DropReason::over_mtu)] == 5; }));
    }, {.allowed = segment ? kAllFeatures : without({&Features::udp_segment})});
}

TEST_CASE("More than the arena holds is sent in between, and nothing of it is lost or changed") {
  in_pair([](Pair& pair) {
    // Two ports with a whole turn each, 8 KiB a packet: more than a huge page of packets that may be joined.
    constexpr uint16_t kFlows = 7, kLargeMtuBytes = 9000;
    constexpr uint32_t kPackets = 18 * kFlows;
    constexpr size_t kBytes = 8192;
    pair.cn1.close_device("vm/vm16");
    for (const uint16_t port : {16, 17, 20, 21}) open_tap_up(pair.cn1, port, kLargeMtuBytes);
    struct {
      Guest vm, router;
      Way way;
    } ends[] = {{Guest("tap16"), Guest("tap20"), {kVm1, kRedGateway}}, {Guest("tap17"), Guest("tap21"), {kVm4, kGreenGateway}}};
    static_assert(2 * kPackets * kBytes + kSlotBytes > kArenaBytes);
    for (uint32_t count = 0; count < kPackets; ++count)
      for (auto& [vm, router, way] : ends) {
        const auto flow = static_cast<uint16_t>(count % kFlows);
        vm.send(udp_frame(flow, numbered(flow, count / kFlows, kBytes), way));
      }
    pair.cn1.release();
    for (auto& [vm, router, way] : ends) {
      auto numbers = receive_numbers(router, kPackets, kBytes);
      for (uint16_t flow = 0; flow < kFlows; ++flow) CHECK(numbers[flow] == first_numbers(kPackets / kFlows));
    }
  });
}

TEST_CASE("An idle worker sleeps: after its spin it looks no more, and nothing wakes it") {
  for (const uint32_t spin_us : {0u, kDefaultSpinUs})
    in_pair([&](Pair& pair) {
      Guest vm1("tap16"), vm3("tap33");
      pair.cn1.release();
      for (uint32_t number = 0; number < 20; ++number) {
        vm1.send(udp_frame(0, numbered(0, number)));
        CHECK(!vm3.receive().empty());
      }
      const auto looks = [&] {
        return std::vector{engine(pair.cn1, "wake_ups"), engine(pair.cn1, "spins"), engine(pair.cn1, "passes")};
      };
      const auto pause = [] {
        const timespec moment{0, 50'000'000};
        nanosleep(&moment, nullptr);
      };
      std::vector<uint64_t> before;
      CHECK(eventually([&] { return before = looks(), pause(), looks() == before; }));
      for (int times = 0; times < 4; ++times) pause();
      CHECK(looks() == before);
      CHECK(engine(pair.cn1, "passes") > 0);
      CHECK((spin_us > 0 || engine(pair.cn1, "spins") == 0));
    }, {.spin_us = spin_us});
}

TEST_CASE("A spin lasts for its time after the last packet") {
  Spin spin(50);
  CHECK(!spin.goes_on(0));
  spin.worked(1'000'000);
  CHECK(spin.goes_on(1'049'999));
  CHECK(!spin.goes_on(1'050'000));
  spin.worked(1'060'000);
  CHECK(spin.goes_on(1'109'999));
  CHECK(!spin.goes_on(1'110'000));
}

TEST_CASE("A worker's arena is a huge page that gives room for a largest frame until it says that it is full") {
  Arena arena;
  REQUIRE(!arena.open());
  CHECK(reinterpret_cast<uintptr_t>(arena.slot().data()) % kArenaBytes == 0);
  uint8_t* const front = arena.slot().data();
  REQUIRE(arena.keep(60));
  CHECK(arena.slot().data() == front + 128);
  size_t kept = 1;
  for (bool room = true; room; ++kept) {
    const auto slot = arena.slot();
    CHECK(slot.size() == kHeadroom + kMaxFrameBytes);
    CHECK(slot.data() + slot.size() <= front + kArenaBytes);
    room = arena.keep(1500);
  }
  CHECK(kept > 1000);
  arena.reset();
  CHECK(arena.slot().data() == front);
}
