// What a packet's flow is known by in the flow cache: where it came in and all that the stages read of it, but what
// differs from packet to packet of a flow and leads none of them another way.
//
//   in the key                                        each packet's own
//   in_port, entry, outer VTEP and TOS, VXLAN header
//   Ethernet header
//   IPv4 header without                               total length, identification, checksum
//   IPv6 header without                               payload length
//   TCP or UDP ports                                  what stands behind them
//
// Before: the worker, or what else runs packets. Next: flow_cache.hpp.
#pragma once

#include <array>
#include <bit>
#include <initializer_list>
#include <optional>

#include "packet/packet.hpp"
#include "stage/stage.hpp"

namespace dvr {

// Eight bytes of a frame, and a mask of those among them that are the same in all packets of a flow.
struct HeaderWord {
  size_t at;
  uint64_t flow_bytes;
};

constexpr uint64_t all_but(std::initializer_list<size_t> bytes) {
  std::array<uint8_t, 8> mask{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  for (const size_t byte : bytes) mask[byte] = 0;
  return std::bit_cast<uint64_t>(mask);
}

// Ethernet, IPv4 and ports; then Ethernet and IPv6, and of the ports what fills the last word.
inline constexpr HeaderWord kIpv4Words[] = {
    {0, all_but({})}, {8, all_but({})}, {16, all_but({0, 1, 2, 3})}, {24, all_but({0, 1})}, {32, all_but({6, 7})}};
inline constexpr HeaderWord kIpv6Words[] = {
    {0, all_but({})},  {8, all_but({})},  {16, all_but({2, 3})}, {24, all_but({})},
    {32, all_but({})}, {40, all_but({})}, {48, all_but({})}};
inline constexpr size_t kMostHeaderWords = std::size(kIpv6Words);
using FlowBytes = std::array<uint64_t, kMostHeaderWords>;

struct FlowKey {
  FlowBytes header{};
  uint64_t vxlan = 0;
  std::array<uint64_t, 2> vtep{};
  uint64_t rest = 0;  // in_port, outer TOS, entry, and the last two bytes of IPv6's ports

  // Without a branch a word: what is compared is nearly always the same.
  bool operator==(const FlowKey& other) const {
    uint64_t different = (vxlan ^ other.vxlan) | (rest ^ other.rest);
    for (size_t at = 0; at < vtep.size(); ++at) different |= vtep[at] ^ other.vtep[at];
    for (size_t at = 0; at < header.size(); ++at) different |= header[at] ^ other.header[at];
    return different == 0;
  }

  // Good in its uppermost bits. A sum of products by odd numbers: no multiplication waits for another, as it would
  // in tables/hash.hpp.
  uint64_t hash() const {
    constexpr uint64_t kOdd[kMostHeaderWords] = {0x9fb21c651e98df25, 0xd6e8feb86659fd93, 0xa0761d6478bd642f,
                                                 0xe7037ed1a0b428db, 0x8ebc6af09c88c6e3, 0x589965cc75374cc3,
                                                 0x1d8e4e27c47d124f};
    uint64_t sum = vxlan * 0xeb44accab455d165 + vtep[0] * 0xff51afd7ed558ccd + vtep[1] * 0xc4ceb9fe1a85ec53 +
                   rest * 0x9e3779b97f4a7c15;
    for (size_t at = 0; at < header.size(); ++at) sum += header[at] * kOdd[at];
    return sum;
  }
};

// A packet as it comes in, while nobody has changed it.
struct Arrived {
  FlowKey key;
  std::span<uint8_t> frame;    // the Ethernet frame
  uint32_t wire_bytes = 0;     // Packet::wire_bytes; all that are larger than this can tell are UINT32_MAX
  bool is_ipv4 = false;
  uint16_t ipv4_checksum = 0;
};

// Nothing: stages may look at more of it than a key has, so it is known by nothing. Known are TCP and UDP over IPv4
// without options or over IPv6 without extension headers, to one MAC, untagged, whole (no fragment, no padding, at
// least eight bytes of TCP or UDP), and with the right checksum in the IPv4 header.
std::optional<Arrived> read_arrived(const Packet& packet, StageId entry);

// Ethernet and IP of `frame` as in the key, the packet's own bytes zero; and back, leaving the packet's own alone.
void read_flow_bytes(std::span<const uint8_t> frame, bool is_ipv4, FlowBytes& into);
void write_flow_bytes(std::span<uint8_t> frame, bool is_ipv4, const FlowBytes& from);

}  // namespace dvr
