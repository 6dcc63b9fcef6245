// Readable frames: each header is a function around what it carries, lengths and checksums filled in.
//
//   ethernet({.src = kVm1.mac, .dst = kRedGateway.mac},
//            ipv4({.src = kVm1.ip, .dst = kVm2.ip}, udp({.src_port = 5000, .dst_port = 53})))
//
// Written independently of native/packet, so that a mistake there is not made here too.
#pragma once

#include <arpa/inet.h>

#include <cstdio>
#include <initializer_list>
#include <vector>

#include "packet/packet.hpp"

namespace dvr::test {

using Bytes = std::vector<uint8_t>;

inline MacAddr operator""_mac(const char* text, size_t) {
  MacAddr mac;
  auto& b = mac.bytes;
  std::sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5]);
  return mac;
}

inline IpAddr operator""_ip(const char* text, size_t) {
  uint8_t wire[16];
  if (inet_pton(AF_INET, text, wire) == 1) return IpAddr::v4(wire);
  inet_pton(AF_INET6, text, wire);
  return IpAddr::v6(wire);
}

inline const MacAddr kBroadcast = "ff:ff:ff:ff:ff:ff"_mac;
inline const MacAddr kAllNodesMac = "33:33:00:00:00:01"_mac;

inline void add16(Bytes& to, size_t value) {
  to.push_back(static_cast<uint8_t>(value >> 8));
  to.push_back(static_cast<uint8_t>(value));
}
inline void add32(Bytes& to, uint32_t value) { add16(to, value >> 16), add16(to, value & 0xffff); }
inline void add(Bytes& to, std::span<const uint8_t> bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}
inline void add(Bytes& to, const MacAddr& mac) { add(to, std::span<const uint8_t>(mac.bytes)); }
inline void add_v4(Bytes& to, const IpAddr& ip) { add(to, {ip.v4_bytes(), 4}); }
inline void add_v6(Bytes& to, const IpAddr& ip) { add(to, std::span<const uint8_t>(ip.bytes)); }
inline Bytes joined(Bytes front, const Bytes& back) {
  return add(front, std::span<const uint8_t>(back)), front;
}

// RFC 1071 as its section 1 says it, two bytes at a time: the slow twin of base/checksum.hpp.
inline uint16_t slow_sum(std::span<const uint8_t> bytes) {
  uint32_t sum = 0;
  for (size_t at = 0; at < bytes.size(); ++at) {
    sum += static_cast<uint32_t>(bytes[at]) << (at % 2 == 0 ? 8 : 0);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return static_cast<uint16_t>(sum);
}

// A header with all it carries, and the number the header outside calls it by: EtherType or protocol.
struct Layer {
  uint16_t type = 0;
  Bytes bytes;
};

inline Layer payload(size_t bytes = 10) { return {0, Bytes(bytes, 0xda)}; }

struct Ports {
  uint16_t src_port = 40000, dst_port = 7;
};
inline Layer udp(Ports ports = {}, const Layer& inner = payload()) {
  Bytes bytes;
  add16(bytes, ports.src_port), add16(bytes, ports.dst_port), add16(bytes, 8 + inner.bytes.size()),
      add16(bytes, 0);
  return {17, joined(bytes, inner.bytes)};
}
inline Layer tcp(Ports ports = {}, const Layer& inner = payload()) {
  Bytes bytes;
  add16(bytes, ports.src_port), add16(bytes, ports.dst_port), add32(bytes, 1), add32(bytes, 1);
  add32(bytes, 0x50100200), add32(bytes, 0);
  return {6, joined(bytes, inner.bytes)};
}

struct Ipv4Fields {
  IpAddr src{}, dst{};
  uint8_t ttl = 64, tos = 0;
  uint16_t fragment_offset = 0;  // in 8-byte units
  bool more_fragments = false;
  size_t option_words = 0;
};
inline Layer ipv4(const Ipv4Fields& f, const Layer& inner = udp()) {
  Bytes head;
  const size_t head_bytes = 20 + f.option_words * 4;
  head.push_back(static_cast<uint8_t>(0x40 | head_bytes / 4));
  head.push_back(f.tos);
  add16(head, head_bytes + inner.bytes.size());
  add16(head, 0x1234);
  add16(head, (f.more_fragments ? 0x2000 : 0) | f.fragment_offset);
  head.push_back(f.ttl);
  head.push_back(static_cast<uint8_t>(inner.type));
  add16(head, 0);
  add_v4(head, f.src), add_v4(head, f.dst);
  head.resize(head_bytes, 1);  // options: no operation
  const uint16_t sum = static_cast<uint16_t>(~slow_sum(head));
  head[10] = static_cast<uint8_t>(sum >> 8), head[11] = static_cast<uint8_t>(sum);
  return {0x0800, joined(head, inner.bytes)};
}

struct Ipv6Fields {
  IpAddr src{}, dst{};
  uint8_t hop_limit = 64, traffic_class = 0;
};
inline Layer ipv6(const Ipv6Fields& f, const Layer& inner = udp()) {
  Bytes head;
  add32(head, 0x60000000u | static_cast<uint32_t>(f.traffic_class) << 20);
  add16(head, inner.bytes.size());
  head.push_back(static_cast<uint8_t>(inner.type));
  head.push_back(f.hop_limit);
  add_v6(head, f.src), add_v6(head, f.dst);
  return {0x86dd, joined(head, inner.bytes)};
}

// IPv6 extension headers (RFC 8200 section 4): `more_units` 8-byte units beyond the first.
inline Layer extension(uint8_t type, const Layer& inner, uint8_t more_units = 0) {
  Bytes head{static_cast<uint8_t>(inner.type), more_units, 1, static_cast<uint8_t>(more_units * 8 + 4)};
  head.resize(8 + size_t{more_units} * 8);
  return {type, joined(head, inner.bytes)};
}
inline Layer hop_by_hop(const Layer& inner) { return extension(0, inner); }
inline Layer destination_options(const Layer& inner, uint8_t more_units = 0) {
  return extension(60, inner, more_units);
}
inline Layer routing_header(const Layer& inner) { return extension(43, inner, 2); }
inline Layer authentication_header(const Layer& inner) {
  Bytes head{static_cast<uint8_t>(inner.type), 4};
  head.resize(24);  // RFC 4302: (4 + 2) 4-byte units
  return {51, joined(head, inner.bytes)};
}
struct FragmentFields {
  uint16_t offset = 0;  // in 8-byte units
  bool more = false;
};
inline Layer fragment(FragmentFields f, const Layer& inner) {
  Bytes head{static_cast<uint8_t>(inner.type), 0};
  add16(head, static_cast<size_t>(f.offset << 3 | (f.more ? 1 : 0)));
  add32(head, 0xabcdef01);
  return {44, joined(head, inner.bytes)};
}

inline Layer icmpv6(uint8_t type, const Bytes& rest) {
  return {58, joined({type, 0, 0, 0}, rest)};
}
inline Layer neighbour_message(uint8_t type, const IpAddr& target, const MacAddr* mac) {
  Bytes rest;
  add32(rest, type == 136 ? 0x60000000 : 0);
  add_v6(rest, target);
  if (mac != nullptr) rest.push_back(type == 136 ? 2 : 1), rest.push_back(1), add(rest, *mac);
  return icmpv6(type, rest);
}
inline Layer neighbour_solicitation(const IpAddr& target, const MacAddr* source_mac = nullptr) {
  return neighbour_message(135, target, source_mac);
}
inline Layer neighbour_advertisement(const IpAddr& target, const MacAddr* target_mac = nullptr) {
  return neighbour_message(136, target, target_mac);
}
inline Layer router_solicitation(const MacAddr* source_mac = nullptr) {
  Bytes rest(4);
  if (source_mac != nullptr) rest.push_back(1), rest.push_back(1), add(rest, *source_mac);
  return icmpv6(133, rest);
}
inline Layer router_advertisement() { return icmpv6(134, Bytes(12)); }
inline Layer echo_request() { return icmpv6(128, Bytes(20)); }

struct ArpFields {
  uint16_t operation = 1;
  MacAddr sender_mac{};
  IpAddr sender_ip{};
  MacAddr target_mac{};
  IpAddr target_ip{};
};
inline Layer arp(const ArpFields& f) {
  Bytes bytes;
  add16(bytes, 1), add16(bytes, 0x0800), add16(bytes, 0x0604), add16(bytes, f.operation);
  add(bytes, f.sender_mac), add_v4(bytes, f.sender_ip), add(bytes, f.target_mac), add_v4(bytes, f.target_ip);
  return {0x0806, bytes};
}

inline Layer vlan_tag(uint16_t id, const Layer& inner, uint16_t tpid = 0x8100) {
  Bytes bytes;
  add16(bytes, id), add16(bytes, inner.type);
  return {tpid, joined(bytes, inner.bytes)};
}

struct EthernetFields {
  MacAddr src{}, dst{};
};
inline Bytes ethernet(const EthernetFields& f, const Layer& inner) {
  Bytes frame;
  add(frame, f.dst), add(frame, f.src), add16(frame, inner.type);
  return joined(frame, inner.bytes);
}

// What the VTEP socket receives: RFC 7348 section 5 in front of the frame.
inline Bytes vxlan(uint32_t vni, const Bytes& frame, uint8_t flags = 0x08) {
  Bytes datagram;
  add32(datagram, static_cast<uint32_t>(flags) << 24), add32(datagram, vni << 8);
  return joined(datagram, frame);
}

inline Bytes first(const Bytes& frame, size_t bytes) {
  return {frame.begin(), frame.begin() + static_cast<ptrdiff_t>(bytes)};
}

// A frame in a worker's buffer: canary, headroom, frame, tailroom. It ends where the allocation ends, so
// AddressSanitizer sees the first byte touched behind it; the canary shows writes before the headroom.
class Buffer {
 public:
  explicit Buffer(std::span<const uint8_t> frame, size_t tailroom = 0)
      : bytes_(kCanaryBytes + kHeadroom + frame.size() + tailroom, kCanary), tailroom_(tailroom) {
    std::copy(frame.begin(), frame.end(), bytes_.begin() + kCanaryBytes + kHeadroom);
    bytes_.shrink_to_fit();
  }
  Buffer(const Buffer&) = delete;

  std::span<uint8_t> frame() {
    return std::span(bytes_).first(bytes_.size() - tailroom_).subspan(kCanaryBytes + kHeadroom);
  }
  // The stages have written nowhere but in the frame, its headroom and its tailroom.
  bool intact() const {
    for (size_t at = 0; at < kCanaryBytes; ++at)
      if (bytes_[at] != kCanary) return false;
    return true;
  }
  bool contains(std::span<const uint8_t> part) const {
    return part.data() >= bytes_.data() + kCanaryBytes &&
           part.data() + part.size() <= bytes_.data() + bytes_.size();
  }

 private:
  static constexpr size_t kCanaryBytes = 32;
  static constexpr uint8_t kCanary = 0xc5;
  Bytes bytes_;
  size_t tailroom_;
};

}  // namespace dvr::test
