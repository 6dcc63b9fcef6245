// Which packet sockets of a namespace receive, and on which interface: how the dataplane knows that a
// tcpdump runs on br-int or br-tun, and the agent that one runs in a router namespace. Asked by sock_diag
// (a few microseconds a dump); where the kernel has no packet_diag, /proc/net/packet says the same.
#pragma once

#include <compare>
#include <vector>

#include "io/fd.hpp"
#include "io/system_error.hpp"

namespace dvr {

struct PacketSocket {
  unsigned ifindex = 0;  // 0: every interface
  unsigned inode = 0;    // what /proc/PID/fd calls it
  auto operator<=>(const PacketSocket&) const = default;
};

class PacketDiag {
 public:
  PacketDiag() = default;
  // Of the namespace that the calling thread is in; it may be asked from anywhere afterwards.
  // Both descriptors keep that namespace alive.
  static Result<PacketDiag> open();

  // Sorted. Sockets that receive nothing are left out: protocol 0, or on a device that is down.
  Result<std::vector<PacketSocket>> sockets() const;
  // The same, from /proc/net/packet.
  Result<std::vector<PacketSocket>> sockets_of_proc() const;

  const Fd& netns() const { return netns_; }

 private:
  Fd netns_;
  Fd diag_;  // not open where the kernel has no sock_diag
};

}  // namespace dvr
