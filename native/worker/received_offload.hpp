// What a kernel peer left undone of a frame that came by the tunnel, as the packet's Offload says it. Only where something
// is undone is the network's MTU looked up, for super-frames without a word about their segments.
// Before: the VTEP socket. Next: the pipeline. How it is found: gso/recover_offload.hpp.
#pragma once

#include <cstdint>
#include <span>

#include "packet/packet.hpp"

namespace dvr {

struct Tables;

// `datagram` is a VXLAN header and more; `inner_gso_bytes` the segment size where the kernel told it, else 0.
Offload received_offload(std::span<uint8_t> datagram, uint16_t inner_gso_bytes, const Tables& tables);

}  // namespace dvr
