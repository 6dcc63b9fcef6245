#include "gso/datagrams.hpp"

#include <algorithm>

#include "base/bytes.hpp"
#include "packet/packet.hpp"

namespace dvr {
namespace {

constexpr size_t kBeforeInnerIp = kVxlanHeaderBytes + 14;

// How long the first inner packet says it is, VXLAN header included; 0 where it does not say.
size_t first_packet_bytes(std::span<const uint8_t> received) {
  if (received.size() < kBeforeInnerIp + 40) return 0;
  const uint8_t* ip = &received[kBeforeInnerIp];
  switch (load_be16(&received[kBeforeInnerIp - 2])) {
    case 0x0800: return kBeforeInnerIp + load_be16(ip + 2);
    case 0x86dd: return kBeforeInnerIp + 40 + load_be16(ip + 4);
    default: return 0;
  }
}

}  // namespace

// When a kernel VXLAN device sends an inner USO super-frame over a veth, UDP_GRO reports the *inner* segment
// size, and cutting there would cut through the inner packet. The inner IP length tells the two cases apart.
Datagrams::Datagrams(std::span<uint8_t> received, uint16_t gso_bytes)
    : rest_(received), step_(received.size()) {
  if (gso_bytes == 0 || gso_bytes >= received.size()) return;
  if (first_packet_bytes(received) > gso_bytes) {
    inner_gso_bytes_ = gso_bytes;
    return;
  }
  step_ = gso_bytes;
}

std::span<uint8_t> Datagrams::next() {
  const size_t bytes = std::min(step_, rest_.size());
  const auto datagram = rest_.first(bytes);
  rest_ = rest_.subspan(bytes);
  return datagram;
}

}  // namespace dvr
