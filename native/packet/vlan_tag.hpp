// The 802.1Q tag of a provider's VLAN, between the MACs and the EtherType (IEEE 802.1Q section 9.6).
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +-------------------------------+-----+-+-----------------------+
//   |  TPID 0x8100                  | PCP |D|  VLAN identifier      |
//   +-------------------------------+-----+-+-----------------------+
//
// Priority and drop eligibility are not kept: nothing here queues by them.
#pragma once

#include <cstring>
#include <optional>

#include "base/bytes.hpp"
#include "packet/packet.hpp"

namespace dvr {

inline constexpr size_t kVlanTagBytes = 4;
inline constexpr uint16_t kVlanIdMask = 0xfff;

// Takes a tag off, if there is one: its identifier, or 0. Nothing: the frame ends inside the tag, or what its sender
// left unfinished lies before the tag's end.
inline std::optional<uint16_t> take_vlan_tag(Packet& packet) {
  const auto ethernet = EthernetView::of(packet.frame);
  if (!ethernet) return std::nullopt;
  if (ethernet->ether_type() != kEtherTypeVlan) return 0;
  Offload& offload = packet.offload;
  const bool is_super_frame = offload.gso != GsoType::none;
  if (packet.frame.size() < kEthernetBytes + kVlanTagBytes) return std::nullopt;
  if (offload.needs_csum && offload.csum_start < kEthernetBytes + kVlanTagBytes) return std::nullopt;
  if (is_super_frame && offload.header_bytes < kEthernetBytes + kVlanTagBytes) return std::nullopt;

  const uint16_t vlan = load_be16(packet.frame.data() + kEthernetBytes) & kVlanIdMask;
  std::memmove(packet.frame.data() + kVlanTagBytes, packet.frame.data(), kMacsBytes);
  packet.frame = packet.frame.subspan(kVlanTagBytes);
  if (offload.needs_csum) offload.csum_start -= kVlanTagBytes;
  if (is_super_frame) offload.header_bytes -= kVlanTagBytes;
  return vlan;
}

// Puts a tag in, into the headroom; all that the sender left unfinished lies behind it.
inline void put_vlan_tag(Packet& packet, uint16_t type, uint16_t control) {
  if (packet.frame.size() < kEthernetBytes) return;
  uint8_t* const start = packet.frame.data() - kVlanTagBytes;
  std::memmove(start, packet.frame.data(), kMacsBytes);
  store_be16(start + kMacsBytes, type);
  store_be16(start + kMacsBytes + 2, control);
  packet.frame = {start, packet.frame.size() + kVlanTagBytes};
  if (packet.offload.needs_csum) packet.offload.csum_start += kVlanTagBytes;
  if (packet.offload.gso != GsoType::none) packet.offload.header_bytes += kVlanTagBytes;
}

}  // namespace dvr
