// Which queue of a TAP a frame from the VM leaves by: decided by its flow alone, by a small eBPF program in the
// kernel (TUNSETSTEERINGEBPF, Linux 4.16).
//
// Why not the TAP's own choice: it learns from what is written to it, so a flow moves to another queue, hence
// to another worker, as soon as an answer has come by that one, and may overtake itself there.
// A flow here is source and destination address, and the ports of unfragmented TCP and UDP; everything that
// is not IP, and IPv4 with options, goes by less. Before: the VM. Next: read_tap of the queue's worker.
#pragma once

#include <string>

#include "io/system_error.hpp"

namespace dvr {

// Lets the program choose among all queues of the TAP behind `tap_fd`, for as long as the device lives.
// EPERM: without CAP_BPF. ENOSYS, EINVAL: no such kernel.
SystemError steer_by_flow(int tap_fd, const std::string& about);

}  // namespace dvr
