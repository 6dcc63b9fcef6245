// What is heard and seen of a namespace: packet sockets, promiscuous links, rules, routes, qdiscs, tables,
// each made as a person would make it, with the machine's own commands.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "io/namespace_watch.hpp"
#include "io/tap.hpp"
#include "net_world.hpp"

using namespace dvr;
using namespace dvr::test;

namespace {

constexpr unsigned kOwnProtocol = 200;
// Longer than any test but those that wait for it.
constexpr auto kAskPeriod = std::chrono::hours(1);
constexpr int kLongestWaitMs = 10'000;
const char* const kHere = "/proc/thread-self/ns/net";

std::unique_ptr<Device> mirror_that_is_up() {
  auto device = open_tap(mirror_spec(kMirrorBrTun));
  REQUIRE(device.ok());
  set_link_up("br-tun");
  return std::move(device.value);
}

NamespaceWatch watch_here(std::chrono::milliseconds ask_period = kAskPeriod) {
  auto watch = NamespaceWatch::open(kHere, kOwnProtocol, ask_period);
  INFO(watch.error.call << " " << watch.error.number);
  REQUIRE(watch.ok());
  return std::move(watch.value);
}

// Of a namespace that is nobody's but the watch's.
NamespaceWatch watch_elsewhere(std::chrono::milliseconds ask_period) {
  std::optional<NamespaceWatch> watch;
  in_new_netns([&] { watch.emplace(watch_here(ask_period)); });
  return std::move(*watch);
}

bool is_told(const NamespaceWatch& watch, int wait_ms) {
  std::vector<pollfd> polls;
  for (const int fd : watch.event_fds()) polls.push_back({fd, POLLIN, 0});
  if (poll(polls.data(), polls.size(), wait_ms) <= 0) return false;
  bool told = false;
  for (const int fd : watch.event_fds()) told = watch.take_events(fd) || told;
  return told;
}

NamespaceFacts facts_of(const NamespaceWatch& watch) {
  auto facts = watch.facts();
  INFO(facts.error.call << " " << facts.error.about << " " << facts.error.number);
  REQUIRE(facts.ok());
  return facts.value;
}

bool has_heard(const NamespaceWatch& watch) {
  bool heard = false;
  for (const int fd : watch.event_fds()) heard = watch.take_events(fd) || heard;
  return heard;
}

int bpf(int command, const bpf_attr& attributes) {
  return static_cast<int>(syscall(SYS_bpf, command, &attributes, sizeof attributes));
}

// An XDP program that passes everything, on the link until the descriptor is closed.
Fd attach_xdp(unsigned ifindex) {
  const bpf_insn program[] = {{BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, XDP_PASS}, {BPF_JMP | BPF_EXIT, 0, 0, 0, 0}};
  bpf_attr load{};
  load.prog_type = BPF_PROG_TYPE_XDP;
  load.insns = reinterpret_cast<uint64_t>(program);
  load.insn_cnt = std::size(program);
  load.license = reinterpret_cast<uint64_t>("GPL");
  const Fd loaded{bpf(BPF_PROG_LOAD, load)};
  REQUIRE(loaded.is_open());
  bpf_attr link{};
  link.link_create.prog_fd = static_cast<uint32_t>(loaded.number());
  link.link_create.target_ifindex = ifindex;
  link.link_create.attach_type = BPF_XDP;
  link.link_create.flags = XDP_FLAGS_SKB_MODE;
  return Fd{bpf(BPF_LINK_CREATE, link)};
}

// In this thread's namespace, which the child inherits.
void run(const char* command) {
  INFO(command);
  REQUIRE(std::system(command) == 0);
}

}  // namespace

// The first here, because the thread that asks begins with the first watch of the process.
TEST_CASE("A watched namespace can go when its watch is closed: the thread that asks is not inside") {
  Fd elsewhere;
  in_new_netns([&] { elsewhere = Fd{open(kHere, O_RDONLY | O_CLOEXEC)}; });
  const auto path = "/proc/self/fd/" + std::to_string(elsewhere.number());
  const auto watch = NamespaceWatch::open(path, kOwnProtocol, kAskPeriod);
  REQUIRE(watch.ok());
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task"))
    CHECK(!std::filesystem::equivalent(task.path() / "ns/net", path));
}

TEST_CASE("Packet sockets are found by interface and inode, those that receive nothing are not") {
  in_new_netns([] {
    auto diag = PacketDiag::open();
    REQUIRE(diag.ok());
    const auto found = [&] {
      const auto sockets = diag.value.sockets().value;
      CHECK(diag.value.sockets_of_proc().value == sockets);
      std::vector<unsigned> indexes;
      for (const PacketSocket& socket : sockets) indexes.push_back(socket.ifindex);
      return indexes;
    };
    const auto mirror = mirror_that_is_up();
    const Fd silent{socket(AF_PACKET, SOCK_RAW, 0)};
    CHECK(found().empty());
    {
      const Guest tcpdump("br-tun");
      CHECK(found() == std::vector<unsigned>{mirror->ifindex});
      const Fd any{socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_ALL))};
      CHECK(found() == std::vector<unsigned>{0, mirror->ifindex});
      run("ip link set br-tun down");
      CHECK(found() == std::vector<unsigned>{0});
    }
    CHECK(found().empty());
  });
}

TEST_CASE("A packet socket's inode is the one that its process shows for it") {
  in_new_netns([] {
    auto diag = PacketDiag::open();
    const Fd any{socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_ALL))};
    struct stat status {};
    REQUIRE(fstat(any.number(), &status) == 0);
    const std::vector<PacketSocket> expected{{0, static_cast<unsigned>(status.st_ino)}};
    CHECK(diag.value.sockets().value == expected);
  });
}

TEST_CASE("Packet sockets that come and go are asked for in each namespace, and heard of") {
  in_new_netns([] {
    const auto watch = watch_here(std::chrono::milliseconds(20));
    const auto other = watch_elsewhere(std::chrono::milliseconds(20));
    CHECK(!is_told(other, 0));
    {
      const Fd any{socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_ALL))};
      CHECK(is_told(watch, kLongestWaitMs));
      CHECK(watch.packet_sockets().value.size() == 1);
    }
    CHECK(is_told(watch, kLongestWaitMs));
    CHECK(watch.packet_sockets().value.empty());
    CHECK(!is_told(watch, 100));
    CHECK(!is_told(other, 0));
  });
}

TEST_CASE("A packet socket that was seen between two askings is heard of when it goes before the next") {
  in_new_netns([] {
    const auto watch = watch_here(std::chrono::milliseconds(500));
    {
      const Fd any{socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_ALL))};
      CHECK(watch.packet_sockets().value.size() == 1);
    }
    CHECK(is_told(watch, kLongestWaitMs));
    CHECK(watch.packet_sockets().value.empty());
  });
}

TEST_CASE("A watch can be closed and another opened while sockets are asked for all the time") {
  in_new_netns([] {
    const auto kept = watch_here(std::chrono::milliseconds(1));
    for (int round = 0; round < 200; ++round) {
      const auto watch = watch_here(std::chrono::milliseconds(1));
      CHECK(watch.packet_sockets().ok());
    }
    const Fd any{socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_ALL))};
    CHECK(is_told(kept, kLongestWaitMs));
  });
}

TEST_CASE("A new namespace has the kernel's own rules and nothing else") {
  in_new_netns([] {
    const auto watch = watch_here();
    const auto mirror = mirror_that_is_up();
    const NamespaceFacts facts = facts_of(watch);
    REQUIRE(facts.links.size() >= 2);
    CHECK(std::none_of(facts.links.begin(), facts.links.end(),
                       [](const LinkFact& link) { return link.promiscuous || link.xdp; }));
    for (const RuleFact& rule : facts.rules) CHECK(rule.protocol == RTPROT_KERNEL);
    CHECK(facts.rules.size() >= 3);
    for (const QdiscFact& qdisc : facts.qdiscs) CHECK(qdisc.handle == 0);
    CHECK(facts.routes.empty());
    CHECK(facts.nft_tables.empty());
    CHECK(facts.xtables.empty());
  });
}

TEST_CASE("A link that becomes promiscuous is heard of and seen") {
  in_new_netns([] {
    const auto watch = watch_here();
    const auto mirror = mirror_that_is_up();
    CHECK(has_heard(watch));
    CHECK(!has_heard(watch));
    Guest tcpdump("br-tun");
    CHECK(!has_heard(watch));
    tcpdump.become_promiscuous();
    CHECK(has_heard(watch));
    const NamespaceFacts facts = facts_of(watch);
    for (const LinkFact& link : facts.links) CHECK(link.promiscuous == (link.name == "br-tun"));
  });
}

TEST_CASE("An XDP program on a link is seen, though the kernel says nothing of one that a bpf_link attaches") {
  in_new_netns([] {
    const auto watch = watch_here();
    const auto mirror = mirror_that_is_up();
    const Fd link = attach_xdp(mirror->ifindex);
    REQUIRE(link.is_open());
    const NamespaceFacts facts = facts_of(watch);
    for (const LinkFact& one : facts.links) CHECK(one.xdp == (one.name == "br-tun"));
  });
}

TEST_CASE("Rules of both families are heard of and seen, with who made them") {
  in_new_netns([] {
    const auto watch = watch_here();
    run("ip link set lo up");
    has_heard(watch);
    for (const auto& [family, command] : {std::pair{AF_INET, "ip rule add from 10.1.0.11 table 100 pref 1000"},
                                          std::pair{AF_INET6, "ip -6 rule add pref 1001 table 100"}}) {
      run(command);
      CHECK(has_heard(watch));
      const NamespaceFacts facts = facts_of(watch);
      const auto count = std::count_if(facts.rules.begin(), facts.rules.end(), [&](const RuleFact& rule) {
        return rule.family == static_cast<unsigned>(family) && rule.protocol != RTPROT_KERNEL;
      });
      CHECK(count == 1);
    }
  });
}

TEST_CASE("Routes are heard of and seen unless they are the kernel's or of our own protocol; of ours is heard when one goes") {
  in_new_netns([] {
    const auto watch = watch_here();
    const auto mirror = mirror_that_is_up();
    run("ip address add 10.1.0.1/24 dev br-tun");
    has_heard(watch);
    run("ip route add 10.9.0.0/16 via 10.1.0.9 proto 200");
    CHECK(!has_heard(watch));
    CHECK(facts_of(watch).routes.empty());
    run("ip route del 10.9.0.0/16 proto 200");
    CHECK(has_heard(watch));
    run("ip route add 10.2.0.12 via 10.1.0.9 && ip link set lo up && ip -6 route add 2001:db8::/32 dev lo");
    CHECK(has_heard(watch));
    const auto routes = facts_of(watch).routes;
    REQUIRE(routes.size() == 2);
    CHECK(routes[0].destination == "10.2.0.12/32");
    CHECK(routes[1].destination == "2001:db8::/32");
  });
}

TEST_CASE("An address is heard of as it comes and goes, a neighbour as it goes") {
  in_new_netns([] {
    const auto mirror = mirror_that_is_up();
    const NamespaceWatch watch = watch_here();
    has_heard(watch);
    for (const char* command : {"addr add 10.9.0.1/24 dev br-tun", "addr del 10.9.0.1/24 dev br-tun"}) {
      INFO(command);
      REQUIRE(system((std::string("ip ") + command).c_str()) == 0);
      CHECK(has_heard(watch));
    }
    REQUIRE(system("ip neigh add 10.9.0.7 lladdr 02:00:00:00:00:07 dev br-tun nud permanent") == 0);
    CHECK(!has_heard(watch));
    REQUIRE(system("ip neigh del 10.9.0.7 dev br-tun") == 0);
    CHECK(has_heard(watch));
  });
}

TEST_CASE("A qdisc that somebody made has a handle, and is heard of") {
  in_new_netns([] {
    const auto watch = watch_here();
    const auto mirror = mirror_that_is_up();
    has_heard(watch);
    run("tc qdisc add dev br-tun clsact");
    CHECK(has_heard(watch));
    const auto qdiscs = facts_of(watch).qdiscs;
    const auto made = std::find_if(qdiscs.begin(), qdiscs.end(), [](const QdiscFact& one) { return one.handle != 0; });
    REQUIRE(made != qdiscs.end());
    CHECK(made->kind == "clsact");
    CHECK(made->ifindex == mirror->ifindex);
  });
}

TEST_CASE("An nft table is heard of and seen by family and name") {
  in_new_netns([] {
    const auto watch = watch_here();
    REQUIRE(watch.event_fds().size() == 3);
    run("nft add table inet mine");
    CHECK(has_heard(watch));
    const auto tables = facts_of(watch).nft_tables;
    REQUIRE(tables.size() == 1);
    CHECK(tables[0].name == "mine");
    CHECK(tables[0].family == 1);  // NFPROTO_INET
    run("nft delete table inet mine");
    CHECK(has_heard(watch));
    CHECK(facts_of(watch).nft_tables.empty());
  });
}

TEST_CASE("A namespace that is not there cannot be watched, and the error says so") {
  const auto watch = NamespaceWatch::open("/run/netns/dvr-there-is-none", kOwnProtocol, kAskPeriod);
  CHECK(watch.error.number == ENOENT);
}
