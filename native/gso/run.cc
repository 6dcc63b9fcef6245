#include "gso/run.hpp"

#include <algorithm>
#include <cstring>

#include "base/checksum.hpp"

namespace dvr {
namespace {

constexpr uint8_t kFin = 0x01, kPsh = 0x08;
// Header length, flags and window, as the kernel compares them: all but the two that the last segment may have.
constexpr uint32_t kTcpWord = ~(uint32_t{kFin | kPsh} << 16);
constexpr uint16_t kDontFragment = 0x4000;

bool is_same(std::span<const uint8_t> one, std::span<const uint8_t> other) {
  return one.size() == other.size() && std::memcmp(one.data(), other.data(), one.size()) == 0;
}

}  // namespace

void OpenRun::start(PortId port, const FlowPacket& packet) {
  first_ = packet;
  port_ = port;
  closed_ = verified_ = fixed_id_ = false;
  last_flags_ = 0;
  segments_ = 1;
  bytes_ = packet.frame.size();
  pieces_[1] = {packet.frame.data(), packet.frame.size()};
}

bool OpenRun::is_of_flow(PortId port, const FlowPacket& packet) const {
  return port_ == port && first_.tcp == packet.tcp && first_.ipv4 == packet.ipv4 &&
         is_same(first_.key(), packet.key());
}

bool OpenRun::is_between(PortId port, const FlowPacket& packet) const {
  return port_ == port && first_.ipv4 == packet.ipv4 && is_same(first_.addresses(), packet.addresses());
}

bool OpenRun::join(const FlowPacket& packet) {
  const auto payload = packet.payload();
  if (!packet.joinable || !has_room(payload.size())) return false;
  if (!continues_ip(packet) || (packet.tcp && !continues_tcp(packet))) return false;
  if (!is_verified() || !has_right_checksums(packet)) return false;
  if (segments_ == 1 && packet.ipv4) fixed_id_ = load_be16(packet.ip() + 4) == load_be16(first_.ip() + 4);

  pieces_[++segments_] = {payload.data(), payload.size()};
  bytes_ += payload.size();
  last_flags_ = packet.tcp ? packet.transport()[13] & (kFin | kPsh) : 0;
  const size_t limit = packet.tcp ? kMaxRunSegments : kMaxUdpRunSegments;
  closed_ = payload.size() < first_.payload().size() || last_flags_ != 0 || segments_ == limit;
  return true;
}

bool OpenRun::has_room(size_t payload_bytes) const {
  return payload_bytes <= first_.payload().size() &&
         bytes_ + payload_bytes <= kEthernetBytes + kMaxRunIpBytes;
}

// MACs and all of the IP header that is the same in every segment of a super-frame.
bool OpenRun::continues_ip(const FlowPacket& packet) const {
  if (!is_same(first_.frame.first(kEthernetBytes), packet.frame.first(kEthernetBytes))) return false;
  const uint8_t *one = first_.ip(), *other = packet.ip();
  if (!packet.ipv4) return load_be32(one) == load_be32(other) && one[7] == other[7];
  return one[1] == other[1] && one[8] == other[8] && load_be16(one + 6) == load_be16(other + 6) &&
         continues_ipv4_id(other);
}

// Identifications count up, or they are all the same where DF makes them meaningless (RFC 6864 section 4.1);
// the second packet decides. Cut again, they count up.
bool OpenRun::continues_ipv4_id(const uint8_t* ip) const {
  const auto ahead = static_cast<uint16_t>(load_be16(ip + 4) - load_be16(first_.ip() + 4));
  if (segments_ == 1) return ahead == 1 || (ahead == 0 && (load_be16(ip + 6) & kDontFragment) != 0);
  return ahead == (fixed_id_ ? 0 : segments_);
}

bool OpenRun::continues_tcp(const FlowPacket& packet) const {
  const uint8_t *one = first_.transport(), *other = packet.transport();
  const auto sent_bytes = static_cast<uint32_t>(bytes_ - first_.payload_at);
  if (load_be32(one + 4) + sent_bytes != load_be32(other + 4)) return false;
  if (load_be32(one + 8) != load_be32(other + 8)) return false;
  if (((load_be32(one + 12) ^ load_be32(other + 12)) & kTcpWord) != 0) return false;
  if (load_be16(one + 18) != load_be16(other + 18)) return false;
  const size_t options_bytes = size_t{packet.payload_at} - packet.transport_at - 20;
  return std::memcmp(one + 20, other + 20, options_bytes) == 0;
}

// The first packet is verified when there is a second: most that stay alone are never summed.
bool OpenRun::is_verified() { return verified_ = verified_ || has_right_checksums(first_); }

Run OpenRun::finish() {
  if (segments_ > 1) mend_headers();
  return {port_, {&pieces_[1], segments_}, first_.offload, bytes_, segments_};
}

void OpenRun::mend_headers() {
  Offload& offload = first_.offload;
  offload.gso = !first_.tcp ? GsoType::udp_l4 : first_.ipv4 ? GsoType::tcp_v4 : GsoType::tcp_v6;
  offload.gso_bytes = static_cast<uint16_t>(first_.payload().size());
  offload.header_bytes = first_.payload_at;
  offload.needs_csum = true;
  offload.csum_start = first_.transport_at;
  offload.csum_offset = first_.tcp ? 16 : 6;

  uint8_t* ip = first_.ip();
  const auto ip_bytes = static_cast<uint16_t>(bytes_ - kEthernetBytes);
  const size_t transport_bytes = bytes_ - first_.transport_at;
  if (first_.ipv4) {
    store_be16(ip + 10, checksum_replace(load_be16(ip + 10), load_be16(ip + 2), ip_bytes));
    store_be16(ip + 2, ip_bytes);
  } else {
    store_be16(ip + 4, static_cast<uint16_t>(transport_bytes));
  }
  uint8_t* transport = first_.transport();
  if (first_.tcp)
    transport[13] |= last_flags_;
  else
    store_be16(transport + 4, static_cast<uint16_t>(transport_bytes));
  store_be16(transport + offload.csum_offset, pseudo_header_sum(first_, transport_bytes));
}

}  // namespace dvr
