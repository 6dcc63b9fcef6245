// The sending side of the VTEP: a pool of UDP sockets with different source ports, so that routers and NICs
// between the nodes can tell flows apart (RFC 7348 section 5: a port from 49152–65535 by a hash of the inner
// flow). One flow always takes one socket, so its order stays.
// Made anew by each dataplane; used by all workers, the kernel's own lock is enough.
// Outer header: DF set (VTEPs do not fragment, RFC 7348 section 4.3), TTL 64, the TOS byte as the stages say,
// the checksum finished by kernel or NIC (UDP_SEGMENT allows no zero checksum).
#pragma once

#include <array>
#include <memory>

#include "gso/train.hpp"
#include "io/fd.hpp"
#include "io/system_error.hpp"
#include "packet/packet.hpp"

namespace dvr {

// More ports spread flows better and make trains shorter.
inline constexpr size_t kSourcePorts = 16;

class SourcePorts {
 public:
  static Result<std::shared_ptr<SourcePorts>> open(const IpAddr& vtep_ip);

  // The kernel takes UDP_SEGMENT; else every train must be one segment long.
  bool can_segment() const { return can_segment_; }

  // Sends the train to `to.vtep`. 0, or the errno of sendmsg; nothing was sent then.
  int send(const Outer& to, const Train& train) const;

 private:
  std::array<Fd, kSourcePorts> sockets_;
  bool v4_ = true;
  bool can_segment_ = false;
};

}  // namespace dvr
