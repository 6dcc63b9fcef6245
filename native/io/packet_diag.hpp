// Which interfaces of a namespace somebody listens on with a packet socket: how the dataplane knows that a
// tcpdump runs on br-int or br-tun. Asked by sock_diag (a few microseconds a dump); where the kernel has no
// packet_diag, /proc/net/packet says the same.
#pragma once

#include <vector>

#include "io/fd.hpp"
#include "io/system_error.hpp"

namespace dvr {

// A diagnostics socket of the calling thread's namespace; it may be read from anywhere afterwards.
Result<Fd> open_packet_diag();

// Interface indexes with a listener, sorted, each once; 0 means every interface. Sockets of protocol 0
// receive nothing and are left out.
Result<std::vector<unsigned>> packet_sockets(int diag_fd);

}  // namespace dvr
