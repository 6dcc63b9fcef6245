#include "gso/segment.hpp"

#include <algorithm>
#include <cstring>

#include "base/checksum.hpp"

namespace dvr {
namespace {

constexpr uint8_t kFin = 0x01, kPsh = 0x08, kCwr = 0x80;

bool is_tcp(GsoType gso) { return gso == GsoType::tcp_v4 || gso == GsoType::tcp_v6; }

bool is_ipv4(std::span<const uint8_t> frame) { return load_be16(&frame[12]) == 0x0800; }

// The least a header of this kind takes: fields below this offset may be written without a check.
size_t least_header_bytes(const Packet& packet) {
  return size_t{packet.offload.csum_start} + (is_tcp(packet.offload.gso) ? 20 : 8);
}

}  // namespace

bool Segmenter::begin(const Packet& packet) {
  const Offload& offload = packet.offload;
  const size_t header_bytes = offload.header_bytes;
  if (!packet.encapsulated || offload.gso == GsoType::none || offload.gso_bytes == 0) return false;
  if (!offload.needs_csum || header_bytes > packet.frame.size()) return false;
  if (kVxlanHeaderBytes + header_bytes > kMaxHeaderBlockBytes) return false;
  if (header_bytes < least_header_bytes(packet)) return false;
  const size_t ip_bytes = is_ipv4(packet.frame) ? 20 : 40;
  if (offload.csum_start < kEthernetBytes + ip_bytes) return false;

  headers_ = {packet.frame.data() - kVxlanHeaderBytes, kVxlanHeaderBytes + header_bytes};
  payload_ = packet.frame.subspan(header_bytes);
  offload_ = offload;
  offload_.csum_offset = is_tcp(offload.gso) ? 16 : 6;
  payload_at_ = 0;
  segment_index_ = 0;

  // The checksum field holds the pseudo-header's sum with the length of the whole super-frame. Taking
  // that length out again needs no parsing of the pseudo-header's addresses (routing headers change them).
  const uint16_t field = load_be16(&packet.frame[offload.csum_start + offload_.csum_offset]);
  const uint16_t whole_bytes = checksum_fold(packet.frame.size() - offload.csum_start);
  pseudo_sum_ = checksum_fold(uint64_t{field} + static_cast<uint16_t>(~whole_bytes));
  return true;
}

Train Segmenter::next(size_t limit) {
  Train train;
  const size_t segment_bytes = headers_.size() + offload_.gso_bytes;
  limit = std::clamp<size_t>(kMaxTrainBytes / segment_bytes, 1, std::min(limit, kMaxTrainSegments));
  while (payload_at_ < payload_.size() && train.segments < limit) {
    const size_t slice_bytes = std::min<size_t>(offload_.gso_bytes, payload_.size() - payload_at_);
    const auto slice = payload_.subspan(payload_at_, slice_bytes);
    uint8_t* block = blocks_[train.segments].data();
    const bool first = payload_at_ == 0;
    write_headers(block, slice, first, payload_at_ + slice_bytes == payload_.size());

    pieces_[train.segments * 2] = {block, headers_.size()};
    pieces_[train.segments * 2 + 1] = {const_cast<uint8_t*>(slice.data()), slice_bytes};
    train.total_bytes += headers_.size() + slice_bytes;
    ++train.segments;
    ++segment_index_;
    payload_at_ += slice_bytes;
  }
  train.segment_bytes = segment_bytes;
  train.pieces = {pieces_.data(), train.segments * 2};
  return train;
}

void Segmenter::write_headers(uint8_t* block, std::span<const uint8_t> slice, bool first, bool last) {
  std::memcpy(block, headers_.data(), headers_.size());
  const std::span<uint8_t> frame{block + kVxlanHeaderBytes, headers_.size() - kVxlanHeaderBytes};
  const size_t frame_bytes = frame.size() + slice.size();

  uint8_t* ip = &frame[kEthernetBytes];
  if (is_ipv4(frame)) {
    store_be16(ip + 2, static_cast<uint16_t>(frame_bytes - kEthernetBytes));
    store_be16(ip + 4, static_cast<uint16_t>(load_be16(ip + 4) + segment_index_));
    store_be16(ip + 10, 0);
    const size_t header_bytes = std::min<size_t>((ip[0] & 0xf) * 4, offload_.csum_start - kEthernetBytes);
    store_be16(ip + 10, checksum_finish(checksum_add(0, {ip, header_bytes})));
  } else {
    store_be16(ip + 4, static_cast<uint16_t>(frame_bytes - kEthernetBytes - 40));
  }

  uint8_t* transport = &frame[offload_.csum_start];
  const size_t transport_bytes = frame_bytes - offload_.csum_start;
  if (is_tcp(offload_.gso)) {
    store_be32(transport + 4, load_be32(transport + 4) + static_cast<uint32_t>(payload_at_));
    if (!last) transport[13] &= static_cast<uint8_t>(~(kFin | kPsh));
    if (!first) transport[13] &= static_cast<uint8_t>(~kCwr);
  } else {
    store_be16(transport + 4, static_cast<uint16_t>(transport_bytes));
  }

  uint8_t* field = transport + offload_.csum_offset;
  store_be16(field, 0);
  // Transport headers have even lengths, so the payload's sum may be added to theirs.
  const uint64_t outside = uint64_t{pseudo_sum_} + transport_bytes;
  const uint64_t own = checksum_add(outside, frame.subspan(offload_.csum_start));
  uint16_t checksum = checksum_finish(checksum_add(own, slice));
  if (checksum == 0 && !is_tcp(offload_.gso)) checksum = 0xffff;
  store_be16(field, checksum);
}

}  // namespace dvr
