// A kernel VXLAN device over veth or virtio hands us what its own sender left undone: inner checksums that
// hold only the pseudo-header's sum, and inner super-frames whole in one datagram, without a word about it.
// This finds out and says so in the packet's Offload, so that the TAP write passes it on. Without it every
// TCP packet of such a peer would have a bad checksum.
// Before: the VTEP socket and datagrams. Next: vxlan_decap. Fragments and packets with IPv6 extension headers
// are left alone.
#pragma once

#include <cstdint>
#include <span>

#include "packet/packet.hpp"

namespace dvr {

// `frame` is the inner Ethernet frame; the offsets of the answer count from its start. With `needs_csum` where the
// checksum is unfinished; most are finished, and nothing more is to be asked of them.
// A finished checksum equals the pseudo-header's sum once in 65536; the guest then takes the packet for
// checked, which loses a check but never a good packet.
Offload recover_checksum(std::span<const uint8_t> frame);

// Of a frame whose checksum is unfinished: marks it in that answer as the super-frame that it may be. `mtu_bytes` is the
// network's; `inner_gso_bytes` the segment size when the kernel told it (UDP_GRO), else 0.
void recover_super_frame(std::span<const uint8_t> frame, uint16_t mtu_bytes, uint16_t inner_gso_bytes, Offload& offload);

}  // namespace dvr
