#include "io/port_io.hpp"

#include <sys/uio.h>

#include <cerrno>

#include "base/bytes.hpp"
#include "io/vnet_header.hpp"
#include "packet/vlan_tag.hpp"

namespace dvr {

ssize_t write_tagged(int fd, const Packet& packet, uint16_t vlan, size_t header_bytes) {
  if (packet.frame.size() < kEthernetBytes) {
    errno = EINVAL;
    return -1;
  }
  const size_t tag_bytes = vlan == 0 ? 0 : kVlanTagBytes;
  VnetHeader header = write_vnet_header(packet.offload, static_cast<uint16_t>(tag_bytes));
  uint8_t tag[kVlanTagBytes];
  store_be16(tag, kEtherTypeVlan);
  store_be16(tag + 2, vlan);
  const auto rest = packet.frame.subspan(kMacsBytes);
  const iovec pieces[] = {{header.data(), header_bytes},
                          {packet.frame.data(), kMacsBytes},
                          {tag, tag_bytes},
                          {rest.data(), rest.size()}};
  return writev(fd, pieces, 4);
}

}  // namespace dvr
