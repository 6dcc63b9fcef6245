// What the coalescer must know of a frame: whose flow it is of, where its payload is, and whether a frame like
// this may be joined with others at all.
// Spec: Linux net/core/gro.c, net/ipv4/{af_inet,tcp_offload,udp_offload}.c, net/ipv6/ip6_offload.c, whose
// rules these are; test/native/gro_kernel_test.cc compares them with the kernel that runs.
#pragma once

#include <cstdint>
#include <span>

#include "packet/packet.hpp"

namespace dvr {

// What a frame can have to do with those that wait in runs.
enum class Relation : uint8_t {
  none,       // no TCP or UDP over IP: it may overtake them
  addresses,  // of a flow between its addresses, but which cannot be read: fragments, options, IPv6 extensions
  flow,       // of the flow that `key` names
};

struct FlowPacket {
  std::span<uint8_t> frame;
  Offload offload;
  Relation relation = Relation::none;
  bool ipv4 = false, tcp = false;
  bool joinable = false;      // its own headers allow it to follow in a run
  bool starts_run = false;    // and to be the first of one
  uint16_t transport_at = 0;  // with Relation::flow
  uint16_t payload_at = 0;    // if joinable

  uint8_t* ip() const { return &frame[14]; }
  uint8_t* transport() const { return &frame[transport_at]; }
  std::span<uint8_t> payload() const { return frame.subspan(payload_at); }
  // Source and destination; and with the ports, which follow at once where there are no options.
  std::span<const uint8_t> addresses() const { return frame.subspan(ipv4 ? 26 : 22, ipv4 ? 8 : 32); }
  std::span<const uint8_t> key() const { return frame.subspan(ipv4 ? 26 : 22, ipv4 ? 12 : 36); }
};

FlowPacket read_flow_packet(const Packet& packet);

// The sum of the pseudo-header (RFC 9293 section 3.1, RFC 8200 section 8.1) for so many bytes of transport.
uint16_t pseudo_header_sum(const FlowPacket& packet, size_t transport_bytes);

// The IPv4 header's checksum, and the transport's unless it is left to the device. Reads the whole packet.
bool has_right_checksums(const FlowPacket& joinable);

}  // namespace dvr
