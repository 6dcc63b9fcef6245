#include "io/vnet_header.hpp"

#include <cstring>

namespace dvr {
namespace {

constexpr uint8_t kNeedsCsum = 1;
constexpr uint8_t kGsoEcn = 0x80;

struct Wire {
  uint8_t flags = 0, gso_type = 0;
  uint16_t hdr_len = 0, gso_size = 0, csum_start = 0, csum_offset = 0, num_buffers = 0;
};
static_assert(sizeof(Wire) == kVnetHeaderBytes);

bool is_known(uint8_t gso_type) {
  switch (static_cast<GsoType>(gso_type)) {
    case GsoType::none:
    case GsoType::tcp_v4:
    case GsoType::tcp_v6:
    case GsoType::udp_l4: return true;
  }
  return false;
}

// Ethernet to transport header; 0 if it does not fit into the frame.
size_t header_bytes_of(const Offload& offload, std::span<const uint8_t> frame) {
  const size_t start = offload.csum_start;
  if (offload.gso == GsoType::udp_l4) return start + 8 <= frame.size() ? start + 8 : 0;
  if (start + 20 > frame.size()) return 0;
  const size_t bytes = start + size_t{frame[start + 12]} / 16 * 4;
  return bytes >= start + 20 && bytes <= frame.size() ? bytes : 0;
}

}  // namespace

std::optional<Offload> read_vnet_header(const VnetHeader& header, std::span<const uint8_t> frame) {
  Wire wire;
  std::memcpy(&wire, header.data(), sizeof wire);
  Offload offload;
  offload.needs_csum = (wire.flags & kNeedsCsum) != 0;
  if (offload.needs_csum) {
    offload.csum_start = wire.csum_start;
    offload.csum_offset = wire.csum_offset;
    if (size_t{wire.csum_start} + wire.csum_offset + 2 > frame.size()) return std::nullopt;
  }
  const uint8_t gso_type = wire.gso_type & static_cast<uint8_t>(~kGsoEcn);
  if (!is_known(gso_type)) return std::nullopt;
  offload.gso = static_cast<GsoType>(gso_type);
  if (offload.gso == GsoType::none) return offload;

  offload.ecn = (wire.gso_type & kGsoEcn) != 0;
  offload.gso_bytes = wire.gso_size;
  offload.header_bytes = static_cast<uint16_t>(header_bytes_of(offload, frame));
  // A super-frame without an unfinished checksum would have none to give to its segments.
  if (!offload.needs_csum || offload.gso_bytes == 0 || offload.header_bytes == 0) return std::nullopt;
  return offload;
}

VnetHeader write_vnet_header(const Offload& offload, uint16_t shift_bytes) {
  Wire wire;
  if (offload.needs_csum) {
    wire.flags = kNeedsCsum;
    wire.csum_start = static_cast<uint16_t>(offload.csum_start + shift_bytes);
    wire.csum_offset = offload.csum_offset;
  }
  if (offload.gso != GsoType::none) {
    wire.gso_type = static_cast<uint8_t>(static_cast<uint8_t>(offload.gso) | (offload.ecn ? kGsoEcn : 0));
    wire.gso_size = offload.gso_bytes;
    wire.hdr_len = static_cast<uint16_t>(offload.header_bytes + shift_bytes);
  }
  VnetHeader header;
  std::memcpy(header.data(), &wire, sizeof wire);
  return header;
}

}  // namespace dvr
