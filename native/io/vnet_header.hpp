// The header in front of every frame of a TAP with IFF_VNET_HDR: what the sender left for the device to do.
//
//   offset  bytes  field (host byte order: the "legacy" form, what TAPs use unless told otherwise)
//   0       1      flags        1 the checksum is unfinished · 2 it has been checked (ignored)
//   1       1      gso_type     0 none · 1 TCPv4 · 4 TCPv6 · 5 UDP · | 0x80 CWR is set on the first segment
//   2       2      hdr_len      a hint only; Linux writes any number ≥ the real one, so it is never believed
//   4       2      gso_size     payload bytes of each segment
//   6       2      csum_start   from the frame's first byte
//   8       2      csum_offset  from csum_start
//   10      2      num_buffers  unused by TAPs
//
// Spec: virtio 1.2 section 5.1.6. Own constants and layout, because <linux/virtio_net.h> is not C++.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "packet/packet.hpp"

namespace dvr {

inline constexpr size_t kVnetHeaderBytes = 12;
using VnetHeader = std::array<uint8_t, kVnetHeaderBytes>;

// Reads the header of a received frame. Nothing: it contradicts the frame's bytes.
std::optional<Offload> read_vnet_header(const VnetHeader& header, std::span<const uint8_t> frame);

// The header for a frame about to be written; `shift_bytes` is what is inserted after the MACs on the way
// (an 802.1Q tag), so that every offset moves with it.
VnetHeader write_vnet_header(const Offload& offload, uint16_t shift_bytes = 0);

}  // namespace dvr
