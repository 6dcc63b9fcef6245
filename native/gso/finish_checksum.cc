#include "gso/finish_checksum.hpp"

#include "base/checksum.hpp"

namespace dvr {

// Where UDP has its checksum; TCP's is at 16, ICMPv6's at 2.
constexpr uint16_t kUdpChecksumOffset = 6;

bool finish_checksum(Packet& packet) {
  Offload& offload = packet.offload;
  if (!offload.needs_csum) return true;
  const size_t field = size_t{offload.csum_start} + offload.csum_offset;
  if (field + 2 > packet.frame.size()) return false;
  // The field itself holds the pseudo-header's sum, so summing over it adds just that.
  uint16_t checksum = checksum_finish(checksum_add(0, packet.frame.subspan(offload.csum_start)));
  if (checksum == 0 && offload.csum_offset == kUdpChecksumOffset) checksum = 0xffff;
  store_be16(&packet.frame[field], checksum);
  offload.needs_csum = false;
  return true;
}

}  // namespace dvr
