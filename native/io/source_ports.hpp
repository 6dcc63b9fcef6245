// The sending side of the VTEP: a pool of UDP sockets with different source ports, so that routers and NICs
// between the nodes can tell flows apart (RFC 7348 section 5: a port from 49152–65535 by a hash of the inner
// flow). One flow always takes one socket, so its order stays.
// Made anew by each dataplane; used by all workers, the kernel's own lock is enough.
// Two ways to send a train: as one, where the kernel takes UDP_SEGMENT, and packet by packet in one system call.
// Outer header: DF set (VTEPs do not fragment, RFC 7348 section 4.3), TTL 64, the TOS byte as the stages say,
// the checksum finished by kernel or NIC (UDP_SEGMENT allows no zero checksum).
#pragma once

#include <array>
#include <memory>

#include "gso/train.hpp"
#include "io/device.hpp"
#include "io/fd.hpp"
#include "io/system_error.hpp"
#include "packet/packet.hpp"

namespace dvr {

class SourcePorts {
 public:
  static Result<std::shared_ptr<SourcePorts>> open(const IpAddr& vtep_ip,
                                                   const Features& allowed = kAllFeatures);

  // The kernel takes UDP_SEGMENT, so send_train may be used.
  bool can_segment() const { return can_segment_; }
  // Packets that one call sends, of either kind.
  size_t segment_limit() const { return segment_limit_; }

  // Sends the train whole to `to.vtep`. 0, or the errno of sendmsg; nothing was sent then. A train of one
  // packet needs no UDP_SEGMENT.
  int send_train(const Outer& to, const Train& train) const;

  // Sends its packets one by one, with sendmmsg. `segments` were sent; `error` says why the next was not.
  struct Sent {
    size_t segments = 0;
    int error = 0;
  };
  Sent send_packets(const Outer& to, const Train& train) const;

 private:
  int socket_of(const Outer& to) const { return sockets_[source_port_of(to)].number(); }

  std::array<Fd, kSourcePorts> sockets_;
  bool v4_ = true;
  bool can_segment_ = false;
  size_t segment_limit_ = kShortTrainSegments;
};

}  // namespace dvr
