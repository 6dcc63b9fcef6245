// VXLAN header (RFC 7348 section 5), between the outer UDP header and the inner Ethernet frame.
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +-+-+-+-+-+-+-+-+-----------------------------------------------+
//   |R|R|R|R|I|R|R|R|            reserved                           |
//   +---------------------------------------------------------------+
//   |                VXLAN network identifier (VNI) |   reserved    |
//   +---------------------------------------------------------------+
//
// The RFC has receivers ignore reserved bits; later formats (VXLAN-GPE, group policy) gave them meanings
// that we do not implement, so any flag but I is refused, as Linux does: a frame of another protocol
// must not be taken for Ethernet.
#pragma once

#include <optional>

#include "base/bytes.hpp"
#include "base/types.hpp"
#include "packet/cursor.hpp"

namespace dvr {

inline constexpr uint8_t kVxlanFlagI = 0x08;

// The VNI of the header at the start of `datagram`; nothing if it is short or its flags are not ours.
inline std::optional<Vni> read_vxlan(std::span<uint8_t> datagram) {
  const uint8_t* at = Cursor(datagram).take(8);
  if (at == nullptr || at[0] != kVxlanFlagI) return std::nullopt;
  return Vni{load_be32(at + 4) >> 8};
}

inline void write_vxlan(uint8_t* at, Vni vni) {
  store_be32(at, static_cast<uint32_t>(kVxlanFlagI) << 24);
  store_be32(at + 4, vni.value << 8);
}

}  // namespace dvr
