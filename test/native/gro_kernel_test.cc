// The same cases as coalescer_test.cc, asked of the GRO of the kernel that runs here:
//
//   this test ── packet socket ── gro-in ══ veth ══ gro-out ── NAPI, GRO ── packet socket ── this test
//
// Every packet is polled alone, so gro-out is told to keep what it holds for some milliseconds
// (gro_flush_timeout). It then keeps only what came within the running tick of the kernel's clock: the packets of
// a case are sent at the beginning of a tick, and again if it was over before they were.
#include <doctest/doctest.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/utsname.h>
#include <time.h>

#include <fstream>

#include "gro_cases.hpp"
#include "net_world.hpp"

using namespace dvr;
using namespace dvr::test;

namespace {

// Longer than any kernel's tick (10 ms), so that it is never what ends the waiting of packets in a case.
constexpr long kHoldNanoseconds = 15'000'000;
// A packet may be polled late all the same, by a kernel thread, when the machine is busy.
constexpr int kTries = 5;

// The cases hold GRO's rules of Linux 6.18; before, it took some more identifications and CWR for equal.
bool has_these_rules() {
  utsname name;
  int major = 0, minor = 0;
  uname(&name);
  return std::sscanf(name.release, "%d.%d", &major, &minor) == 2 && (major > 6 || (major == 6 && minor >= 18));
}

// This network namespace's devices have their settings in a sysfs of its own.
bool mount_own_sysfs() {
  return unshare(CLONE_NEWNS) == 0 && mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         mount("sysfs", "/sys", "sysfs", 0, nullptr) == 0;
}

void set_up_devices() {
  REQUIRE(mount_own_sysfs());
  REQUIRE(system("ip link add gro-in mtu 9000 type veth peer name gro-out mtu 9000") == 0);
  disable_link_ipv6("gro-in"), disable_link_ipv6("gro-out");
  REQUIRE(system("ethtool -K gro-out gro on rx-udp-gro-forwarding on >/dev/null") == 0);
  REQUIRE((std::ofstream("/sys/class/net/gro-out/gro_flush_timeout") << kHoldNanoseconds).flush());
  set_link_up("gro-in"), set_link_up("gro-out");
}

// Advances once a tick.
bool tick_is_over(const timespec& since) {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return now.tv_sec != since.tv_sec || now.tv_nsec != since.tv_nsec;
}

timespec next_tick() {
  timespec began;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &began);
  while (!tick_is_over(began)) sched_yield();
  clock_gettime(CLOCK_MONOTONIC_COARSE, &began);
  return began;
}

// Frames as they come out of GRO, each behind its virtio-net header.
class GroOut {
 public:
  GroOut() : fd_{socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL))} {
    const int on = 1;
    REQUIRE(setsockopt(fd_.number(), SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) == 0);
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    address.sll_ifindex = static_cast<int>(link_index("gro-out"));
    REQUIRE(bind(fd_.number(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  }

  // Waits for so many packets, joined or not.
  std::vector<Written> receive(size_t count) {
    std::vector<Written> all;
    while (count > 0) {
      pollfd ask{fd_.number(), POLLIN, 0};
      if (poll(&ask, 1, 2000) != 1) break;
      Bytes bytes(70000);
      const ssize_t got = recv(fd_.number(), bytes.data(), bytes.size(), 0);
      REQUIRE(got > 10);
      VnetHeader header{};
      std::copy_n(bytes.begin(), 10, header.begin());
      Written& one = all.emplace_back();
      one.frame.assign(bytes.begin() + 10, bytes.begin() + got);
      const auto offload = read_vnet_header(header, one.frame);
      REQUIRE(offload);
      one.offload = *offload;
      count -= std::min(count, cut_slowly(one).size());
    }
    return all;
  }

 private:
  Fd fd_;
};

std::string groups_of_kernel(const std::vector<Bytes>& packets, Guest& in, GroOut& out) {
  for (int tries = 0; tries < 100; ++tries) {
    const timespec tick = next_tick();
    for (const Bytes& packet : packets) in.send(packet);
    const bool in_time = !tick_is_over(tick);
    const auto written = out.receive(packets.size());
    if (in_time) return groups_of(packets, written);
  }
  return "no tick was long enough";
}

}  // namespace

TEST_CASE("This kernel's GRO joins the same packets as the coalescer, but where a case says otherwise") {
  if (!has_these_rules()) {
    MESSAGE("SKIPPED: the cases are those of Linux 6.18 and later");
    return;
  }
  in_new_netns([] {
    set_up_devices();
    Guest in("gro-in");
    GroOut out;
    for (const GroCase& rule : kGroCases)
      for (const Kind kind : rule.kinds) {
        const std::string what = name_of(kind) + ": " + rule.rule;
        CAPTURE(what);
        const auto packets = packets_of(rule, kind);
        const std::string expected = rule.kernel != nullptr ? rule.kernel : rule.joined;
        std::string groups;
        for (int tries = 0; tries < kTries && groups != expected; ++tries)
          groups = groups_of_kernel(packets, in, out);
        CHECK(groups == expected);
      }
  });
}
