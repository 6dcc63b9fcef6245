#include "gso/flow_packet.hpp"

#include "base/checksum.hpp"

namespace dvr {
namespace {

constexpr size_t kIpv4Bytes = 20, kIpv6Bytes = 40, kTcpBytes = 20, kUdpBytes = 8;
constexpr uint8_t kTcp = 6, kUdp = 17;
// IPv6 extension headers that a transport header may stand behind (RFC 8200 section 4.1).
constexpr uint8_t kHopByHop = 0, kRouting = 43, kFragment = 44, kAuthentication = 51, kDestination = 60;
constexpr uint8_t kFin = 0x01, kSyn = 0x02, kRst = 0x04, kPsh = 0x08, kUrg = 0x20, kCwr = 0x80;
constexpr uint16_t kDontFragment = 0x4000;

bool is_transport(uint8_t protocol) { return protocol == kTcp || protocol == kUdp; }

bool may_hide_transport(uint8_t next_header) {
  return next_header == kHopByHop || next_header == kRouting || next_header == kFragment ||
         next_header == kAuthentication || next_header == kDestination;
}

// Padding behind the IP packet is none of the payload, and the kernel's GRO lets it pass as well.
bool fills_frame(const FlowPacket& packet, size_t ip_bytes) {
  return packet.frame.size() == kEthernetBytes + ip_bytes;
}

void read_tcp(FlowPacket& packet) {
  const uint8_t* tcp = packet.transport();
  const size_t header_bytes = size_t{tcp[12]} / 16 * 4;
  packet.payload_at = static_cast<uint16_t>(packet.transport_at + header_bytes);
  const uint8_t flags = tcp[13];
  packet.joinable = header_bytes >= kTcpBytes && packet.payload_at < packet.frame.size() &&
                    (flags & (kSyn | kRst | kUrg | kCwr)) == 0;
  packet.starts_run = packet.joinable && (flags & (kFin | kPsh)) == 0;
}

// A zero checksum says that there is none; a super-frame's datagrams all get one.
void read_udp(FlowPacket& packet) {
  const uint8_t* udp = packet.transport();
  packet.payload_at = static_cast<uint16_t>(packet.transport_at + kUdpBytes);
  packet.joinable = load_be16(udp + 4) == packet.frame.size() - packet.transport_at &&
                    packet.payload_at < packet.frame.size() && load_be16(udp + 6) != 0;
  packet.starts_run = packet.joinable;
}

// What of the device's work is left undone must be what this protocol's device would do.
bool is_plain(const FlowPacket& packet) {
  const Offload& offload = packet.offload;
  if (offload.gso != GsoType::none || (packet.frame[0] & 1) != 0) return false;
  return !offload.needs_csum ||
         (offload.csum_start == packet.transport_at && offload.csum_offset == (packet.tcp ? 16 : 6));
}

void read_transport(FlowPacket& packet, uint8_t protocol, bool ip_is_joinable) {
  packet.tcp = protocol == kTcp;
  if (packet.frame.size() < packet.transport_at + (packet.tcp ? kTcpBytes : kUdpBytes)) return;
  packet.relation = Relation::flow;
  if (!ip_is_joinable || !is_plain(packet)) return;
  packet.tcp ? read_tcp(packet) : read_udp(packet);
}

void read_ipv4(FlowPacket& packet) {
  if (packet.frame.size() < kEthernetBytes + kIpv4Bytes) return;
  const uint8_t* ip = packet.ip();
  if (!is_transport(ip[9])) return;
  packet.ipv4 = true;
  packet.relation = Relation::addresses;
  if (ip[0] != 0x45 || (load_be16(ip + 6) & ~kDontFragment) != 0) return;
  packet.transport_at = kEthernetBytes + kIpv4Bytes;
  read_transport(packet, ip[9], fills_frame(packet, load_be16(ip + 2)));
}

void read_ipv6(FlowPacket& packet) {
  if (packet.frame.size() < kEthernetBytes + kIpv6Bytes) return;
  const uint8_t* ip = packet.ip();
  if (!is_transport(ip[6]) && !may_hide_transport(ip[6])) return;
  packet.relation = Relation::addresses;
  if (ip[0] >> 4 != 6 || !is_transport(ip[6])) return;
  packet.transport_at = kEthernetBytes + kIpv6Bytes;
  read_transport(packet, ip[6], fills_frame(packet, kIpv6Bytes + load_be16(ip + 4)));
}

}  // namespace

FlowPacket read_flow_packet(const Packet& packet) {
  FlowPacket read{.frame = packet.frame, .offload = packet.offload};
  if (packet.frame.size() < kEthernetBytes) return read;
  switch (load_be16(&packet.frame[12])) {
    case 0x0800: read_ipv4(read); break;
    case 0x86dd: read_ipv6(read); break;
  }
  return read;
}

uint16_t pseudo_header_sum(const FlowPacket& packet, size_t transport_bytes) {
  return checksum_fold(checksum_add(0, packet.addresses()) + (packet.tcp ? kTcp : kUdp) + transport_bytes);
}

bool has_right_checksums(const FlowPacket& packet) {
  if (packet.ipv4 && checksum_fold(checksum_add(0, {packet.ip(), kIpv4Bytes})) != 0xffff) return false;
  if (packet.offload.needs_csum) return true;
  const auto transport = packet.frame.subspan(packet.transport_at);
  return checksum_fold(checksum_add(pseudo_header_sum(packet, transport.size()), transport)) == 0xffff;
}

}  // namespace dvr
