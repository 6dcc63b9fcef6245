// A private network namespace for one test, and the guest's end of a TAP in it. Needs root; without it a test
// says so and stops.
#pragma once

#include <doctest/doctest.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>
#include <exception>
#include <thread>

#include "builders.hpp"
#include "io/fd.hpp"
#include "io/link.hpp"
#include "io/device.hpp"
#include "io/socket_address.hpp"
#include "io/vnet_header.hpp"

namespace dvr::test {

// A namespace belongs to a thread, so the body gets one of its own; threads it starts are inside too.
// A failed REQUIRE is an exception, and goes on in the test's own thread.
template <class Body>
void in_new_netns(Body&& body) {
  std::exception_ptr failure;
  std::thread thread([&] {
    if (unshare(CLONE_NEWNET) < 0) {
      MESSAGE("SKIPPED: a network namespace needs root");
      return;
    }
    try {
      body();
    } catch (...) {
      failure = std::current_exception();
    }
  });
  thread.join();
  if (failure) std::rethrow_exception(failure);
}

inline void set_link_up(const std::string& ifname) {
  const Fd fd{socket(AF_INET, SOCK_DGRAM, 0)};
  ifreq request{};
  ifname.copy(request.ifr_name, IFNAMSIZ - 1);
  request.ifr_flags = IFF_UP;
  REQUIRE(ioctl(fd.number(), SIOCSIFFLAGS, &request) == 0);
}

// Names `lo` an address more: "lo:1" for 172.16.0.11.
inline void add_address(const std::string& label, const IpAddr& ip) {
  const Fd fd{socket(AF_INET, SOCK_DGRAM, 0)};
  ifreq request{};
  label.copy(request.ifr_name, IFNAMSIZ - 1);
  const SocketAddress address = socket_address(ip, 0);
  std::memcpy(&request.ifr_addr, &address.storage, sizeof request.ifr_addr);
  REQUIRE(ioctl(fd.number(), SIOCSIFADDR, &request) == 0);
}

// What a guest does at its end of the device: send frames, and get frames.
class Guest {
 public:
  explicit Guest(const std::string& ifname)
      : fd_{socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL))} {
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    address.sll_ifindex = static_cast<int>(link_index(ifname));
    REQUIRE(bind(fd_.number(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    const int on = 1;
    setsockopt(fd_.number(), SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on);
    setsockopt(fd_.number(), SOL_PACKET, PACKET_AUXDATA, &on, sizeof on);
    const int buffer_bytes = 16 << 20;  // all that a test sends before it reads
    setsockopt(fd_.number(), SOL_SOCKET, SO_RCVBUFFORCE, &buffer_bytes, sizeof buffer_bytes);
  }

  // As tcpdump does unless told not to (-p).
  void become_promiscuous() {
    sockaddr_ll address{};
    socklen_t bytes = sizeof address;
    REQUIRE(getsockname(fd_.number(), reinterpret_cast<sockaddr*>(&address), &bytes) == 0);
    packet_mreq membership{};
    membership.mr_ifindex = address.sll_ifindex;
    membership.mr_type = PACKET_MR_PROMISC;
    REQUIRE(setsockopt(fd_.number(), SOL_PACKET, PACKET_ADD_MEMBERSHIP, &membership, sizeof membership) == 0);
  }

  void send(const Bytes& frame) {
    const auto bytes = static_cast<ssize_t>(frame.size());
    REQUIRE(write(fd_.number(), frame.data(), frame.size()) == bytes);
  }

  // As the guest's own stack hands a super-frame to its device (PACKET_VNET_HDR takes the 10-byte header).
  void send_super_frame(const Bytes& frame, const Offload& offload) {
    const int on = 1;
    REQUIRE(setsockopt(fd_.number(), SOL_PACKET, PACKET_VNET_HDR, &on, sizeof on) == 0);
    const VnetHeader header = write_vnet_header(offload);
    send(joined({header.begin(), header.begin() + 10}, frame));
  }

  // The next frame; empty when none comes in time. `vlan` is the 802.1Q tag the kernel took off.
  Bytes receive(int timeout_ms = 2000) {
    pollfd ask{fd_.number(), POLLIN, 0};
    if (poll(&ask, 1, timeout_ms) != 1) return {};
    Bytes frame(70000);
    iovec piece{frame.data(), frame.size()};
    alignas(cmsghdr) char control[256];
    msghdr message{};
    message.msg_iov = &piece, message.msg_iovlen = 1;
    message.msg_control = control, message.msg_controllen = sizeof control;
    const ssize_t bytes = recvmsg(fd_.number(), &message, 0);
    frame.resize(bytes < 0 ? 0 : static_cast<size_t>(bytes));
    tpacket_auxdata aux{};
    if (const cmsghdr* first = CMSG_FIRSTHDR(&message)) std::memcpy(&aux, CMSG_DATA(first), sizeof aux);
    vlan = (aux.tp_status & TP_STATUS_VLAN_VALID) != 0 ? aux.tp_vlan_tci : 0;
    return frame;
  }

  unsigned vlan = 0;

 private:
  Fd fd_;
};

// The queues of a device that has but one.
inline std::vector<Fd> only(Fd fd) {
  std::vector<Fd> queues;
  queues.push_back(std::move(fd));
  return queues;
}

inline DeviceSpec tap_spec(uint16_t port, uint16_t mtu_bytes = 1500) {
  DeviceSpec spec;
  spec.kind = DeviceKind::tap;
  spec.name = "vm/vm" + std::to_string(port);
  spec.port = PortId{port};
  spec.mtu_bytes = mtu_bytes;
  return spec;
}

inline DeviceSpec vtep_spec(const IpAddr& ip) {
  DeviceSpec spec;
  spec.kind = DeviceKind::vtep;
  spec.name = "vtep";
  spec.port = kTunnelPort;
  spec.vtep_ip = ip;
  return spec;
}

inline DeviceSpec mirror_spec(PortId port) {
  DeviceSpec spec;
  spec.kind = DeviceKind::mirror;
  spec.name = port == kMirrorBrInt ? "br-int" : port == kMirrorBrTun ? "br-tun" : "br-ex";
  spec.port = port;
  return spec;
}

}  // namespace dvr::test
