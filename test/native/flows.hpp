// Packets of TCP and UDP flows with all that GRO looks at, checksums finished: for tests of the coalescer. And
// what is left of them when they come back: which packets a super-frame was joined from.
// Written independently of native/gso, so that a mistake there is not made here too.
#pragma once

#include <algorithm>
#include <string>

#include "builders.hpp"

namespace dvr::test {

enum class Kind { tcp4, tcp6, udp4, udp6 };
inline bool is_v4(Kind kind) { return kind == Kind::tcp4 || kind == Kind::udp4; }
inline bool is_tcp(Kind kind) { return kind == Kind::tcp4 || kind == Kind::tcp6; }
inline std::string name_of(Kind kind) {
  static const char* const kNames[] = {"TCP over IPv4", "TCP over IPv6", "UDP over IPv4", "UDP over IPv6"};
  return kNames[static_cast<size_t>(kind)];
}

enum : uint8_t { kFin = 1, kSyn = 2, kRst = 4, kPsh = 8, kAck = 16, kUrg = 32, kEce = 64, kCwr = 128 };

// The fields of one packet; those of the other protocol are ignored.
struct FlowFields {
  Kind kind = Kind::tcp4;
  int stream = 0;               // whose sequence numbers and identifications it goes on with
  MacAddr src_mac = "fa:16:3e:00:01:01"_mac, dst_mac = "fa:16:3e:00:01:02"_mac;
  uint8_t host = 11;  // last byte of the source address
  uint16_t src_port = 40000, dst_port = 5001;
  uint8_t tos = 0, ttl = 64;
  uint16_t id = 65534;
  bool fixed_id = false;
  bool df = true, evil_bit = false, more_fragments = false;
  uint16_t fragment_offset = 0;
  size_t ip_option_words = 0;   // IPv4
  uint32_t flow_label = 0;      // IPv6
  bool destination_options = false;
  uint32_t seq = 0xfffffe00, ack = 7;
  uint8_t flags = kAck, reserved = 0;
  uint16_t window = 512, urgent = 0;
  Bytes options{1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2};  // timestamps
  size_t payload_bytes = 1000;
  uint8_t fill = 0;
  int spoil_ip_checksum = 0, spoil_checksum = 0;
  bool no_checksum = false;     // UDP: zero
  size_t padding_bytes = 0;     // Ethernet's, behind the IP packet
  int length_error = 0;         // UDP's own length field says so many more
};

inline Bytes pseudo_header(const Bytes& ip, bool v4, uint8_t protocol, size_t transport_bytes) {
  Bytes pseudo(ip.begin() + (v4 ? 12 : 8), ip.begin() + (v4 ? 20 : 40));
  add32(pseudo, static_cast<uint32_t>(transport_bytes)), add32(pseudo, protocol);
  return pseudo;
}

inline Bytes transport_of(const FlowFields& f) {
  Bytes bytes;
  add16(bytes, f.src_port), add16(bytes, f.dst_port);
  if (is_tcp(f.kind)) {
    add32(bytes, f.seq), add32(bytes, f.ack);
    bytes.push_back(static_cast<uint8_t>((20 + f.options.size()) / 4 << 4 | f.reserved));
    bytes.push_back(f.flags);
    add16(bytes, f.window), add16(bytes, 0), add16(bytes, f.urgent), add(bytes, f.options);
  } else {
    add16(bytes, static_cast<size_t>(8 + static_cast<int>(f.payload_bytes) + f.length_error)), add16(bytes, 0);
  }
  for (size_t at = 0; at < f.payload_bytes; ++at)
    bytes.push_back(static_cast<uint8_t>(at == 0 ? f.fill : f.fill + at * 31 + at / 200));
  return bytes;
}

inline Bytes ip_header_of(const FlowFields& f, size_t payload_bytes) {
  Bytes ip;
  const uint8_t protocol = is_tcp(f.kind) ? 6 : 17;
  if (is_v4(f.kind)) {
    const size_t words = 5 + f.ip_option_words;
    ip = {static_cast<uint8_t>(0x40 | words), f.tos};
    add16(ip, words * 4 + payload_bytes), add16(ip, f.id);
    add16(ip, (f.df ? 0x4000u : 0) | (f.evil_bit ? 0x8000u : 0) | (f.more_fragments ? 0x2000u : 0) | f.fragment_offset);
    ip.push_back(f.ttl), ip.push_back(protocol), add16(ip, 0);
    add(ip, Bytes{10, 1, 0, f.host, 10, 1, 0, 12}), ip.resize(words * 4, 1);
    const auto sum = static_cast<uint16_t>(~slow_sum(ip) + f.spoil_ip_checksum);
    ip[10] = static_cast<uint8_t>(sum >> 8), ip[11] = static_cast<uint8_t>(sum);
  } else {
    add32(ip, 0x60000000u | static_cast<uint32_t>(f.tos) << 20 | f.flow_label);
    add16(ip, payload_bytes + (f.destination_options ? 8 : 0));
    ip.push_back(f.destination_options ? 60 : protocol), ip.push_back(f.ttl);
    Bytes address{0xfd, 0};
    address.resize(16), address[15] = f.host, add(ip, address), address[15] = 12, add(ip, address);
  }
  return ip;
}

inline Bytes packet_of(const FlowFields& f) {
  const bool v4 = is_v4(f.kind);
  const uint8_t protocol = is_tcp(f.kind) ? 6 : 17;
  Bytes transport = transport_of(f);
  Bytes ip = ip_header_of(f, transport.size());
  auto sum = static_cast<uint16_t>(~slow_sum(joined(pseudo_header(ip, v4, protocol, transport.size()), transport)));
  if (sum == 0 && protocol == 17) sum = 0xffff;
  sum = f.no_checksum ? 0 : static_cast<uint16_t>(sum + f.spoil_checksum);
  const size_t field = protocol == 6 ? 16 : 6;
  transport[field] = static_cast<uint8_t>(sum >> 8), transport[field + 1] = static_cast<uint8_t>(sum);
  if (f.destination_options && !v4) add(ip, Bytes{protocol, 0, 1, 4, 0, 0, 0, 0});
  Bytes frame = ethernet({.src = f.src_mac, .dst = f.dst_mac},
                         {static_cast<uint16_t>(v4 ? 0x0800 : 0x86dd), joined(ip, transport)});
  frame.resize(frame.size() + f.padding_bytes);
  return frame;
}

// A super-frame, or a packet alone, as it is written: the frame's bytes and what is left to the device.
struct Written {
  PortId port;
  Bytes frame;
  Offload offload;
  size_t segments = 1;
};

// Cuts a super-frame as RFC 9293 and RFC 768 have it, one field after the other: the slow twin of Segmenter.
inline std::vector<Bytes> cut_slowly(const Written& written) {
  const bool super = written.offload.gso != GsoType::none;
  if (!super && !written.offload.needs_csum) return {written.frame};
  const Bytes& frame = written.frame;
  const bool v4 = frame[12] == 8, tcp = written.offload.csum_offset == 16;
  const size_t transport = v4 ? 34 : frame[20] == 60 ? 62 : 54, header = transport + (tcp ? frame[transport + 12] / 16 * 4u : 8u);
  const size_t step = super ? written.offload.gso_bytes : frame.size();
  std::vector<Bytes> packets;
  for (size_t at = header; at < frame.size(); at += step) {
    const size_t end = std::min(at + step, frame.size());
    Bytes one(frame.begin(), frame.begin() + static_cast<ptrdiff_t>(header));
    one.insert(one.end(), frame.begin() + static_cast<ptrdiff_t>(at), frame.begin() + static_cast<ptrdiff_t>(end));
    const auto put16 = [&](size_t where, size_t value) {
      one[where] = static_cast<uint8_t>(value >> 8), one[where + 1] = static_cast<uint8_t>(value);
    };
    const auto get32 = [&](size_t where) {
      return uint32_t{one[where]} << 24 | uint32_t{one[where + 1]} << 16 | uint32_t{one[where + 2]} << 8 | one[where + 3];
    };
    put16(v4 ? 16 : 18, one.size() - (v4 ? 14 : 54));
    if (v4) put16(18, (size_t{one[18]} << 8 | one[19]) + packets.size()), put16(24, 0);
    if (v4) put16(24, static_cast<uint16_t>(~slow_sum(std::span(one).subspan(14, 20))));
    if (tcp) {
      const auto seq = static_cast<uint32_t>(get32(transport + 4) + (at - header));
      put16(transport + 4, seq >> 16), put16(transport + 6, seq & 0xffff);
      if (end != frame.size()) one[transport + 13] &= static_cast<uint8_t>(~(kFin | kPsh));
    } else {
      put16(transport + 4, one.size() - transport);
    }
    put16(transport + (tcp ? 16 : 6), 0);
    const Bytes ip(one.begin() + 14, one.end()), rest(one.begin() + static_cast<ptrdiff_t>(transport), one.end());
    auto sum = static_cast<uint16_t>(~slow_sum(joined(pseudo_header(ip, v4, tcp ? 6 : 17, rest.size()), rest)));
    if (sum == 0 && !tcp) sum = 0xffff;
    put16(transport + (tcp ? 16 : 6), sum);
    packets.push_back(std::move(one));
  }
  return packets;
}

inline Bytes without_id(Bytes frame) {
  if (frame[12] == 8)
    for (const size_t at : {18, 19, 24, 25}) frame[at] = 0;
  return frame;
}

// Identifications that DF makes meaningless count up in a super-frame that is cut again (RFC 6864 section 4.1).
inline Bytes without_free_id(const Bytes& frame) {
  return frame[12] == 8 && (frame[20] & 0x40) != 0 ? without_id(frame) : frame;
}

// Which packets went together, by their places in `sent`: "012 3" says that the first three were joined.
inline std::string groups_of(const std::vector<Bytes>& sent, const std::vector<Written>& written) {
  std::vector<std::string> groups;
  for (const Written& one : written) {
    std::string group;
    for (const Bytes& packet : cut_slowly(one)) {
      size_t at = 0;
      while (at < sent.size() && without_id(sent[at]) != without_id(packet)) ++at;
      group += at == sent.size() ? '?' : static_cast<char>('0' + at);
    }
    groups.push_back(group);
  }
  std::sort(groups.begin(), groups.end());
  std::string all;
  for (const std::string& group : groups) all += all.empty() ? group : " " + group;
  return all;
}

}  // namespace dvr::test
