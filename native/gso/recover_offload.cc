#include "gso/recover_offload.hpp"

#include "base/checksum.hpp"

namespace dvr {
namespace {

constexpr uint8_t kTcp = 6, kUdp = 17;

// Where the transport header is, and all that its checksum covers outside of it.
struct Transport {
  uint8_t protocol = 0;  // 0: none of ours
  bool ipv4 = false;
  size_t start = 0;
  size_t bytes = 0;      // header and payload, as the IP header says
  uint64_t address_sum = 0;
};

Transport find_transport_v4(std::span<const uint8_t> frame) {
  if (frame.size() < kEthernetBytes + 20) return {};
  const uint8_t* ip = &frame[kEthernetBytes];
  const size_t header_bytes = (ip[0] & 0xf) * 4;
  const size_t total_bytes = load_be16(ip + 2);
  const bool fragment = (load_be16(ip + 6) & 0x3fff) != 0;
  if (fragment || header_bytes < 20 || total_bytes < header_bytes) return {};
  const size_t start = kEthernetBytes + header_bytes;
  return {ip[9], true, start, total_bytes - header_bytes, checksum_add(0, {ip + 12, 8})};
}

Transport find_transport_v6(std::span<const uint8_t> frame) {
  if (frame.size() < kEthernetBytes + 40) return {};
  const uint8_t* ip = &frame[kEthernetBytes];
  return {ip[6], false, kEthernetBytes + 40, load_be16(ip + 4), checksum_add(0, {ip + 8, 32})};
}

Transport find_transport(std::span<const uint8_t> frame) {
  if (frame.size() < kEthernetBytes) return {};
  switch (load_be16(&frame[12])) {
    case 0x0800: return find_transport_v4(frame);
    case 0x86dd: return find_transport_v6(frame);
    default: return {};
  }
}

size_t least_header_bytes(const Transport& transport) { return transport.protocol == kTcp ? 20 : 8; }

size_t transport_header_bytes(const Transport& transport, std::span<const uint8_t> frame) {
  return transport.protocol == kTcp ? size_t{frame[transport.start + 12]} / 16 * 4 : 8;
}

void mark_super_frame(const Transport& transport, size_t header_bytes, size_t segment_bytes,
                      Offload& offload) {
  const GsoType tcp = transport.ipv4 ? GsoType::tcp_v4 : GsoType::tcp_v6;
  offload.gso = transport.protocol == kTcp ? tcp : GsoType::udp_l4;
  offload.gso_bytes = static_cast<uint16_t>(segment_bytes);
  offload.header_bytes = static_cast<uint16_t>(header_bytes);
}

}  // namespace

Offload recover_checksum(std::span<const uint8_t> frame) {
  Offload offload;
  const Transport transport = find_transport(frame);
  if (transport.protocol != kTcp && transport.protocol != kUdp) return offload;
  if (transport.bytes < least_header_bytes(transport) || transport.start + transport.bytes > frame.size()) return offload;

  const uint16_t csum_offset = transport.protocol == kTcp ? 16 : 6;
  const uint16_t field = load_be16(&frame[transport.start + csum_offset]);
  const uint16_t pseudo_sum = checksum_fold(transport.address_sum + transport.protocol + transport.bytes);
  if (field != pseudo_sum) return offload;
  offload.needs_csum = true;
  offload.csum_start = static_cast<uint16_t>(transport.start);
  offload.csum_offset = csum_offset;
  return offload;
}

void recover_super_frame(std::span<const uint8_t> frame, uint16_t mtu_bytes, uint16_t inner_gso_bytes, Offload& offload) {
  const Transport transport = find_transport(frame);
  const size_t ip_bytes = transport.start - kEthernetBytes + transport.bytes;
  const size_t header_bytes = transport.start + transport_header_bytes(transport, frame);
  if (header_bytes < transport.start + least_header_bytes(transport) || header_bytes > frame.size()) return;
  const size_t fitting_bytes = kEthernetBytes + mtu_bytes;
  const bool told = inner_gso_bytes != 0;
  if (!told && (mtu_bytes == 0 || ip_bytes <= mtu_bytes || header_bytes >= fitting_bytes)) return;
  mark_super_frame(transport, header_bytes, told ? inner_gso_bytes : fitting_bytes - header_bytes, offload);
}

}  // namespace dvr
