// A port on a Linux device that others made: alone, and as br-ex's uplink in a running dataplane.
//
//   this test ── packet socket ── wire1 ══ veth ══ wire0 ── packet port
#include "io/packet_port.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>

#include <cstdlib>

#include "dataplane_world.hpp"
#include "nodes.hpp"
#include "packet/vlan_tag.hpp"

using namespace dvr;
using namespace dvr::test;

namespace {

const MacAddr kFar = "02:00:00:00:00:01"_mac, kOther = "02:00:00:00:00:02"_mac;

void run(const char* command) { REQUIRE(std::system(command) == 0); }

DeviceSpec uplink_spec(const std::string& device, uint16_t mtu_bytes = 1500) {
  DeviceSpec spec;
  spec.kind = DeviceKind::uplink;
  spec.name = "uplink/physnet1";
  spec.port = kUplink;
  spec.mtu_bytes = mtu_bytes;
  spec.device = device;
  return spec;
}

template <class Body>
void on_wire(Body&& body) {
  in_new_netns([&] {
    run("ip link add wire0 type veth peer name wire1");
    for (const std::string device : {"wire0", "wire1"}) disable_link_ipv6(device), set_link_up(device);
    body();
  });
}

std::unique_ptr<Device> opened(const DeviceSpec& spec) {
  auto device = open_packet_port(spec);
  INFO(device.error.call << " " << device.error.about << " " << device.error.number);
  REQUIRE(device.ok());
  return std::move(device.value);
}

// The next frame of the port, in a worker's slot.
struct Read {
  Bytes slot = Bytes(kHeadroom + kMaxFrameBytes);
  Packet packet;
  ReadOutcome outcome = ReadOutcome::empty;
  Bytes frame() const { return {packet.frame.begin(), packet.frame.end()}; }
};
Read read_next(const Device& device, int timeout_ms = 2000) {
  Read read;
  pollfd ask{device.fd(), POLLIN, 0};
  poll(&ask, 1, timeout_ms);
  read.outcome = read_packet_port(device.fd(), read.slot, read.packet);
  return read;
}

WriteOutcome write_frame(const Device& device, const Bytes& bytes, uint16_t vlan = 0, const Offload& offload = {}) {
  Buffer buffer(bytes);
  Packet packet;
  packet.frame = buffer.frame();
  packet.offload = offload;
  const WriteOutcome outcome = write_packet_port(device.fd(), packet, vlan);
  CHECK(packet.frame.size() == bytes.size());
  return outcome;
}

Layer ip_packet(const Layer& inner = udp()) { return ipv4({.src = kOutside.ip, .dst = "203.0.113.101"_ip}, inner); }
Bytes plain_frame(const MacAddr& dst = kOther) { return ethernet({kFar, dst}, ip_packet()); }

}  // namespace

TEST_CASE("A packet port gets what comes to the device, for any MAC, and not what it sent itself") {
  on_wire([] {
    const auto port = opened(uplink_spec("wire0"));
    Guest far("wire1");
    far.send(plain_frame());
    const Read read = read_next(*port);
    CHECK(read.outcome == ReadOutcome::frame);
    CHECK(read.frame() == plain_frame());
    CHECK(write_frame(*port, plain_frame(kFar)) == WriteOutcome::written);
    CHECK(far.receive() == plain_frame(kFar));
    CHECK(read_next(*port, 100).outcome == ReadOutcome::empty);
  });
}

TEST_CASE("A packet port puts the 802.1Q tag back that the kernel took off, and sends with one") {
  on_wire([] {
    const auto port = opened(uplink_spec("wire0"));
    Guest far("wire1");
    const Bytes tagged = ethernet({kFar, kOther}, vlan_tag(0xa064, ip_packet()));  // priority 5, VLAN 100
    far.send(tagged);
    const Read read = read_next(*port);
    CHECK(read.outcome == ReadOutcome::frame);
    CHECK(read.frame() == tagged);
    CHECK(write_frame(*port, plain_frame(), 100) == WriteOutcome::written);
    CHECK(far.receive() == plain_frame());
    CHECK(far.vlan == 100);
  });
}

TEST_CASE("A packet port passes super-frames and unfinished checksums whole, both ways, tagged or not") {
  on_wire([] {
    const auto port = opened(uplink_spec("wire0"));
    Guest far("wire1");
    const Layer big = ip_packet(tcp({}, payload(40000)));
    const Bytes frame = ethernet({kFar, kOther}, big);
    const Offload offload{GsoType::tcp_v4, false, true, 1460, 54, 34, 16};
    CHECK(write_frame(*port, frame, 0, offload) == WriteOutcome::written);
    CHECK(far.receive() == frame);
    CHECK(far.vlan == 0);
    CHECK(write_frame(*port, frame, 100, offload) == WriteOutcome::written);
    CHECK(far.receive() == frame);
    CHECK(far.vlan == 100);

    far.send_super_frame(frame, offload);
    const Read read = read_next(*port);
    CHECK(read.frame() == frame);
    CHECK(read.packet.offload.gso == GsoType::tcp_v4);
    CHECK(read.packet.offload.gso_bytes == 1460);
    CHECK(read.packet.offload.csum_start == 34);

    const Bytes tagged = ethernet({kFar, kOther}, vlan_tag(100, big));
    far.send_super_frame(tagged, {GsoType::tcp_v4, false, true, 1460, 58, 38, 16});
    Read of_vlan = read_next(*port);
    CHECK(of_vlan.frame() == tagged);
    CHECK(of_vlan.packet.offload.csum_start == 38);
    CHECK(of_vlan.packet.offload.header_bytes == 58);
    CHECK(take_vlan_tag(of_vlan.packet) == 100);
    CHECK(of_vlan.frame() == frame);
  });
}

TEST_CASE("A packet too large for the device's MTU is refused as that") {
  on_wire([] {
    const auto port = opened(uplink_spec("wire0"));
    CHECK(write_frame(*port, ethernet({kFar, kOther}, ip_packet(udp({}, payload(1600))))) == WriteOutcome::over_mtu);
    CHECK(write_frame(*port, Bytes(10)) == WriteOutcome::refused);
  });
}

TEST_CASE("A device that is not there, or whose MTU is too small, is an error that names it") {
  on_wire([] {
    const auto absent = open_packet_port(uplink_spec("eth9"));
    CHECK(absent.error.number == ENODEV);
    CHECK(absent.error.about == "uplink/physnet1: there is no device eth9");
    const auto small = open_packet_port(uplink_spec("wire0", 9000));
    CHECK(small.error.number == EMSGSIZE);
    CHECK(small.error.about == "uplink/physnet1: wire0 has an MTU of 1500, less than 9000");
  });
}

TEST_CASE("The device is promiscuous as long as the port is open, and no longer") {
  on_wire([] {
    {
      const auto port = opened(uplink_spec("wire0"));
      run("ip -d link show wire0 | grep -q 'promiscuity 1'");
    }
    run("ip -d link show wire0 | grep -q 'promiscuity 0'");
  });
}

TEST_CASE("A device that is down takes nothing and is not gone; one that is deleted is") {
  on_wire([] {
    const auto port = opened(uplink_spec("wire0"));
    Guest far("wire1");
    run("ip link set wire0 down");
    CHECK(write_frame(*port, plain_frame()) == WriteOutcome::down);
    CHECK(read_next(*port, 0).outcome == ReadOutcome::empty);
    CHECK_FALSE(is_packet_port_gone(port->fd()));
    run("ip link set wire0 up");
    CHECK(eventually([&] { return write_frame(*port, plain_frame()) == WriteOutcome::written; }));

    run("ip link del wire0");
    CHECK(is_packet_port_gone(port->fd()));
    CHECK(write_frame(*port, plain_frame()) == WriteOutcome::gone);
  });
}

TEST_CASE("A packet port is taken over by its descriptor, and only for the device it is bound to") {
  on_wire([] {
    auto first = opened(uplink_spec("wire0"));
    Guest far("wire1");
    far.send(plain_frame());  // waits in the socket meanwhile
    const auto duplicate = [&] { return only(Fd{fcntl(first->fd(), F_DUPFD_CLOEXEC, 0)}); };
    const unsigned other = link_index("wire1");
    CHECK(adopt_packet_port(uplink_spec("wire0"), duplicate(), other).error.number == EINVAL);
    CHECK(adopt_packet_port(uplink_spec("wire0"), duplicate(), 0).error.number == EINVAL);
    auto second = adopt_packet_port(uplink_spec("wire0"), duplicate(), first->ifindex);
    REQUIRE(second.ok());
    first.reset();
    CHECK(read_next(*second.value).frame() == plain_frame());
  });
}

TEST_CASE("In a dataplane an uplink carries an external network's frames to a namespace's TAP and back") {
  on_wire([] {
    Dataplane node({.workers = 1});
    REQUIRE(!node.start());
    REQUIRE(node.open(uplink_spec("wire0")).ok());
    REQUIRE(node.open(mirror_spec(kMirrorBrEx)).ok());
    open_tap_up(node, kFg2.port.value);
    Batch batch = batch_of(kCn1);
    batch.put<PortRow>({kUplink}, {PortKind::uplink, {}, {}, false});
    put_external(batch, kExt2, kExt2Vlan, {kFg2});
    REQUIRE(node.apply(batch.bytes()).error.empty());
    node.set_mirrors({.br_ex = true});
    Guest outside("wire1"), fg("tap53"), br_ex("br-ex");

    fg.send(ethernet({kFg2.mac, kOutside.mac}, ip_packet()));
    CHECK(outside.receive() == ethernet({kFg2.mac, kOutside.mac}, ip_packet()));
    CHECK(outside.vlan == kExt2Vlan);
    CHECK(br_ex.receive() == ethernet({kFg2.mac, kOutside.mac}, ip_packet()));
    CHECK(br_ex.vlan == kExt2Vlan);

    outside.send(ethernet({kOutside.mac, kFg2.mac}, vlan_tag(kExt2Vlan, ip_packet())));
    CHECK(fg.receive() == ethernet({kOutside.mac, kFg2.mac}, ip_packet()));
    CHECK(br_ex.receive() == ethernet({kOutside.mac, kFg2.mac}, ip_packet()));
    CHECK(br_ex.vlan == kExt2Vlan);
    outside.send(ethernet({kOutside.mac, kOther}, vlan_tag(kExt2Vlan, ip_packet())));
    CHECK(eventually([&] { return node.totals().drops[static_cast<size_t>(DropReason::not_for_us)] == 1; }));
    CHECK(fg.receive(100).empty());
  });
}

TEST_CASE("An uplink whose device is deleted is told as gone, one that goes down and up again serves on") {
  on_wire([] {
    Dataplane node({.workers = 1});
    REQUIRE(!node.start());
    REQUIRE(node.open(uplink_spec("wire0")).ok());
    open_tap_up(node, kFg.port.value);
    Batch batch = batch_of(kCn1);
    batch.put<PortRow>({kUplink}, {PortKind::uplink, {}, {}, false});
    put_external(batch, kExt, 0, {kFg});
    REQUIRE(node.apply(batch.bytes()).error.empty());
    std::string gone;
    const auto is_told = [&] {
      node.take_events([&](const Device& device) { gone = device.spec.name; }, [](const Learned&) {});
      return !gone.empty();
    };
    run("ip link set wire0 down && ip link set wire0 up");
    Guest outside("wire1"), fg("tap52");
    CHECK(eventually([&] {
      outside.send(ethernet({kOutside.mac, kFg.mac}, ip_packet()));
      return !fg.receive(5).empty();
    }));
    CHECK_FALSE(is_told());
    run("ip link del wire0");
    CHECK(eventually(is_told));
    CHECK(gone == "uplink/physnet1");
  });
}
