// Devices as the kernel really has them: TAPs, the VTEP socket, namespaces.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <sys/stat.h>

#include <array>
#include <set>

#include "io/netns.hpp"
#include "io/process.hpp"
#include "io/source_ports.hpp"
#include "io/tap.hpp"
#include "io/vtep_socket.hpp"
#include "net_world.hpp"

using namespace dvr;
using namespace dvr::test;

namespace {

const MacAddr kMac = "fa:16:3e:00:01:11"_mac;

Bytes any_frame(size_t payload_bytes = 100) {
  return ethernet({.src = kMac, .dst = "02:00:00:00:00:02"_mac},
                  ipv4({.src = "10.1.0.11"_ip, .dst = "10.1.0.13"_ip}, udp({}, payload(payload_bytes))));
}

ino_t netns_now() {
  struct stat status {};
  stat("/proc/thread-self/ns/net", &status);
  return status.st_ino;
}

std::unique_ptr<Device> opened(Result<std::unique_ptr<Device>> result) {
  INFO(result.error.call << " " << result.error.about << " " << result.error.number);
  REQUIRE(result.ok());
  return std::move(result.value);
}

Bytes frame_of_flow(uint16_t flow) {
  return ethernet({.src = kMac, .dst = "02:00:00:00:00:02"_mac},
                  ipv4({.src = "10.1.0.11"_ip, .dst = "10.1.0.13"_ip},
                       udp({.src_port = static_cast<uint16_t>(4000 + flow), .dst_port = 53}, payload(20))));
}

Bytes answer_of_flow(uint16_t flow) {
  return ethernet({.src = "02:00:00:00:00:02"_mac, .dst = kMac},
                  ipv4({.src = "10.1.0.13"_ip, .dst = "10.1.0.11"_ip},
                       udp({.src_port = 53, .dst_port = static_cast<uint16_t>(4000 + flow)}, payload(20))));
}

// The number of queues where there is none.
size_t queue_that_has_a_frame(const Device& device, Bytes& buffer) {
  Packet packet;
  for (size_t queue = 0; queue < device.queues.size(); ++queue)
    if (read_tap(device.queues[queue].number(), buffer, packet) == ReadOutcome::frame) return queue;
  return device.queues.size();
}

}  // namespace

TEST_CASE("A vnet header survives being read and written, with every offset moved by an inserted tag") {
  const Bytes frame = ethernet({}, ipv4({}, tcp({}, payload(3000))));
  Offload offload;
  offload.gso = GsoType::tcp_v4, offload.ecn = true, offload.needs_csum = true;
  offload.gso_bytes = 1448, offload.header_bytes = 54, offload.csum_start = 34, offload.csum_offset = 16;
  const auto again = read_vnet_header(write_vnet_header(offload), frame);
  REQUIRE(again);
  CHECK(again->gso == GsoType::tcp_v4);
  CHECK(again->ecn);
  CHECK(again->gso_bytes == 1448);
  CHECK(again->header_bytes == 54);
  const VnetHeader tagged = write_vnet_header(offload, 4);
  CHECK(tagged[6] == 38);
  CHECK(tagged[2] == 58);
}

TEST_CASE("A vnet header that contradicts its frame is refused") {
  const Bytes frame = ethernet({}, ipv4({}, tcp()));
  const auto is_refused = [&](VnetHeader header) { return !read_vnet_header(header, frame); };
  CHECK(!is_refused({}));
  CHECK(is_refused({1, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0}));      // checksum outside
  CHECK(is_refused({1, 3, 54, 0, 0xe8, 3, 34, 0, 16, 0}));      // UFO: nothing we asked for
  CHECK(is_refused({0, 1, 54, 0, 0xe8, 3, 0, 0, 0, 0}));        // super-frame with a finished checksum
  CHECK(is_refused({1, 1, 54, 0, 0, 0, 34, 0, 16, 0}));         // segments of nothing
  CHECK(is_refused({1, 1, 54, 0, 0xe8, 3, 60, 0, 0, 0}));       // TCP header outside
}

TEST_CASE("A TAP opens with MAC, MTU, offloads, and whole super-frames that fit one train") {
  in_new_netns([] {
    DeviceSpec spec = tap_spec(16, 1450);
    spec.mac = kMac;
    const auto device = opened(open_tap(spec));
    CHECK(device->ifindex == link_index("tap16"));
    CHECK(device->features.csum);
    CHECK(device->features.tso);
    CHECK(!link_is_up("tap16"));
  });
}

TEST_CASE("A persistent TAP is attached to by name, but not while another owner holds it") {
  in_new_netns([] {
    auto first = opened(open_tap(tap_spec(16)));
    const unsigned ifindex = first->ifindex;
    CHECK(open_tap(tap_spec(16)).error.number == EBUSY);
    first.reset();
    CHECK(link_index("tap16") == ifindex);
    auto second = opened(open_tap(tap_spec(16)));
    CHECK(second->ifindex == ifindex);
    CHECK(second->features.tso);
    unpersist_tap(*second);
    second.reset();
    CHECK(link_index("tap16") == 0);
  });
}

TEST_CASE("A TAP is adopted by descriptor, and nothing else is taken for one") {
  in_new_netns([] {
    auto first = opened(open_tap(tap_spec(16)));
    auto duplicate = duplicate_fd(getpid(), first->fd());
    REQUIRE(duplicate.ok());
    const unsigned ifindex = first->ifindex;
    first.reset();
    const auto adopted = opened(adopt_tap(tap_spec(16), only(std::move(duplicate.value)), ifindex));
    CHECK(adopted->features.tso);
    CHECK(!adopt_tap(tap_spec(17), only(Fd{open("/dev/null", O_RDWR)}), 1).ok());
    Fd foreign{open("/dev/net/tun", O_RDWR)};
    ifreq request{};
    request.ifr_flags = IFF_TAP | IFF_NO_PI;
    REQUIRE(ioctl(foreign.number(), TUNSETIFF, &request) == 0);
    CHECK(adopt_tap(tap_spec(17), only(std::move(foreign)), 1).error.number == EINVAL);
  });
}

TEST_CASE("A frame passes a TAP both ways unchanged") {
  in_new_netns([] {
    const auto device = opened(open_tap(tap_spec(16)));
    disable_link_ipv6("tap16");
    set_link_up("tap16");
    Guest guest("tap16");
    const Bytes frame = any_frame();
    guest.send(frame);
    Bytes buffer(kHeadroom + kMaxFrameBytes);
    Packet packet;
    REQUIRE(read_tap(device->fd(), buffer, packet) == ReadOutcome::frame);
    CHECK(Bytes(packet.frame.begin(), packet.frame.end()) == frame);
    CHECK(read_tap(device->fd(), buffer, packet) == ReadOutcome::empty);
    CHECK(write_tap(device->fd(), packet) == WriteOutcome::written);
    CHECK(guest.receive() == frame);
  });
}

TEST_CASE("A flow leaves a TAP with several queues by one of them, whichever its answers were written to") {
  in_new_netns([] {
    constexpr size_t kQueues = 4;
    constexpr uint16_t kFlows = 32;
    const auto device = opened(open_tap(tap_spec(16), {.queues = kQueues}));
    REQUIRE(device->queues.size() == kQueues);
    disable_link_ipv6("tap16");
    set_link_up("tap16");
    Guest guest("tap16");
    std::array<size_t, kFlows> queue_of;
    std::set<size_t> used;
    Bytes buffer(kHeadroom + kMaxFrameBytes);
    for (int round = 0; round < 3; ++round) {
      for (uint16_t flow = 0; flow < kFlows; ++flow) {
        guest.send(frame_of_flow(flow));
        const size_t queue = queue_that_has_a_frame(*device, buffer);
        REQUIRE(queue < kQueues);
        if (round == 0) queue_of[flow] = queue;
        CHECK(queue_of[flow] == queue);
        used.insert(queue);
        Packet answer;
        Buffer bytes(answer_of_flow(flow));
        answer.frame = bytes.frame();
        CHECK(write_tap(device->queues[(queue + 1) % kQueues].number(), answer) == WriteOutcome::written);
      }
    }
    CHECK(used.size() == kQueues);
  });
}

TEST_CASE("A persistent TAP with several queues is attached to with all of them, but not while another holds it") {
  in_new_netns([] {
    auto first = opened(open_tap(tap_spec(16), {.queues = 3}));
    set_link_up("tap16");
    CHECK(open_tap(tap_spec(16), {.queues = 3}).error.number == EBUSY);
    first.reset();
    auto second = opened(open_tap(tap_spec(16), {.queues = 2}));
    CHECK(second->queues.size() == 2);
    unpersist_tap(*second);
  });
}

TEST_CASE("Workers that share the VTEP's port get what one sender sends from one port by one socket") {
  in_new_netns([] {
    set_link_up("lo");
    const auto vtep = opened(open_vtep(vtep_spec("127.0.0.11"_ip), {.queues = 2}));
    REQUIRE(vtep->queues.size() == 2);
    const auto ports = SourcePorts::open("127.0.0.12"_ip);
    REQUIRE(ports.ok());
    Bytes bytes(100), buffer(kMaxFrameBytes);
    std::set<size_t> used;
    for (uint32_t flow = 0; flow < 64; ++flow) {
      std::set<size_t> of_flow;
      for (int count = 0; count < 3; ++count) {
        iovec piece{bytes.data(), bytes.size()};
        Outer to;
        to.vtep = "127.0.0.11"_ip, to.flow_hash = flow;
        REQUIRE(ports.value->send_train(to, {{&piece, 1}, bytes.size(), 1, bytes.size()}) == 0);
        for (size_t queue = 0; queue < 2; ++queue)
          if (!receive_vxlan(vtep->queues[queue].number(), buffer).bytes.empty()) of_flow.insert(queue);
      }
      CHECK(of_flow.size() == 1);
      used.merge(of_flow);
    }
    CHECK(used.size() == 2);
  });
}

TEST_CASE("A mirror shows a frame, super-frames too, with its local VLAN as an 802.1Q tag") {
  in_new_netns([] {
    const auto device = opened(open_tap(mirror_spec(kMirrorBrInt)));
    CHECK(link_is_up("br-int"));
    Guest tcpdump("br-int");
    Bytes frame = any_frame();
    Packet packet;
    packet.frame = frame;
    CHECK(write_tap_tagged(device->fd(), packet, 7) == WriteOutcome::written);
    CHECK(tcpdump.receive() == frame);
    CHECK(tcpdump.vlan == 7);

    Bytes big = ethernet({.src = kMac, .dst = "02:00:00:00:00:02"_mac},
                         ipv4({.src = "10.1.0.11"_ip, .dst = "10.1.0.13"_ip}, tcp({}, payload(40000))));
    packet.frame = big;
    packet.offload = {GsoType::tcp_v4, false, true, 1460, 54, 34, 16};
    CHECK(write_tap_tagged(device->fd(), packet, 8) == WriteOutcome::written);
    CHECK(tcpdump.receive() == big);
    CHECK(tcpdump.vlan == 8);
  });
}

TEST_CASE("A TAP whose namespace is gone says so on the first read and write") {
  in_new_netns([] {
    auto device = opened(open_tap(tap_spec(16)));
    const Fd link{socket(AF_INET, SOCK_DGRAM, 0)};
    // Deleting the netdev under an open descriptor: what the end of the VM's namespace does.
    REQUIRE(system("ip link del tap16 2>/dev/null") == 0);
    Bytes buffer(kHeadroom + kMaxFrameBytes);
    Packet packet;
    CHECK(read_tap(device->fd(), buffer, packet) == ReadOutcome::gone);
    packet.frame = std::span(buffer).subspan(kHeadroom, 60);
    CHECK(write_tap(device->fd(), packet) == WriteOutcome::gone);
  });
}

TEST_CASE("Trains leave by ports 49152-65535 chosen by flow (RFC 7348 section 5) and arrive with their TOS") {
  in_new_netns([] {
    set_link_up("lo");
    for (const auto& [here, there] : {std::pair{"127.0.0.11"_ip, "127.0.0.12"_ip}, std::pair{"::1"_ip, "::1"_ip}}) {
      auto vtep = opened(open_vtep(vtep_spec(there)));
      CHECK(vtep->features.udp_segment);
      CHECK(vtep->features.udp_gro);
      auto ports = SourcePorts::open(here);
      REQUIRE(ports.ok());
      // As the tunnel's packets are, so that the receiver can tell a train from an inner super-frame.
      Bytes segment(kVxlanHeaderBytes);
      add(segment, std::span<const uint8_t>(any_frame(950)));
      Bytes last = segment;
      std::vector<iovec> pieces(10, iovec{segment.data(), segment.size()});
      const Train train{pieces, segment.size(), 10, segment.size() * 10};
      Outer to;
      to.vtep = there, to.tos = 2, to.flow_hash = 5;
      REQUIRE(ports.value->send_train(to, train) == 0);

      Bytes buffer(kMaxFrameBytes);
      size_t received_bytes = 0;
      for (int tries = 0; tries < 100 && received_bytes < train.total_bytes; ++tries) {
        const Received received = receive_vxlan(vtep->fd(), buffer);
        if (received.bytes.empty()) continue;
        received_bytes += received.bytes.size();
        CHECK(received.vtep == here);
        CHECK((received.tos & 3) == 2);
        CHECK((received.gso_bytes == segment.size() || received.bytes.size() == segment.size()));
      }
      CHECK(received_bytes == train.total_bytes);
    }
  });
}

TEST_CASE("A segment larger than the path's MTU is refused, because the outer packet may not be fragmented") {
  in_new_netns([] {
    set_link_up("lo");
    REQUIRE(!set_link_mtu("lo", 1600));
    auto ports = SourcePorts::open("127.0.0.11"_ip);
    REQUIRE(ports.ok());
    Bytes datagram(3000);
    iovec piece{datagram.data(), datagram.size()};
    Outer to;
    to.vtep = "127.0.0.12"_ip;
    CHECK(ports.value->send_train(to, {{&piece, 1}, 3000, 1, 3000}) == EMSGSIZE);
    to.vtep = "::1"_ip;
    CHECK(ports.value->send_train(to, {{&piece, 1}, 3000, 1, 3000}) == EAFNOSUPPORT);
  });
}

TEST_CASE("The VTEP socket is adopted only if it is bound to the VTEP's address") {
  in_new_netns([] {
    set_link_up("lo");
    auto first = opened(open_vtep(vtep_spec("127.0.0.11"_ip)));
    CHECK(open_vtep(vtep_spec("127.0.0.11"_ip)).error.number == EADDRINUSE);
    auto duplicate = duplicate_fd(getpid(), first->fd());
    auto other = duplicate_fd(getpid(), first->fd());
    CHECK(adopt_vtep(vtep_spec("127.0.0.12"_ip), only(std::move(other.value))).error.number == EINVAL);
    first.reset();
    CHECK(adopt_vtep(vtep_spec("127.0.0.11"_ip), only(std::move(duplicate.value))).ok());
  });
}

TEST_CASE("A thread comes back from another namespace, also when entering failed") {
  in_new_netns([] {
    const ino_t home = netns_now();
    const std::string other = "/proc/self/ns/net";  // of the main thread
    {
      const InsideNetns inside(other);
      REQUIRE(!inside.error());
      CHECK(netns_now() != home);
    }
    CHECK(netns_now() == home);
    CHECK(InsideNetns("/run/netns/dvr-there-is-none").error().number == ENOENT);
    CHECK(InsideNetns("/dev/null").error().number == EINVAL);
    CHECK(netns_now() == home);
  });
}
