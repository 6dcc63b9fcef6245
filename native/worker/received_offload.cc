#include "worker/received_offload.hpp"

#include "gso/recover_offload.hpp"
#include "packet/vxlan.hpp"
#include "tables/tables.hpp"

namespace dvr {
namespace {

// The MTU of the network a VXLAN packet belongs to; 0 where this node has none.
uint16_t network_mtu(std::span<uint8_t> datagram, const Tables& tables) {
  const auto vni = read_vxlan(datagram);
  if (!vni) return 0;
  const auto* to_lv = tables.find<TunToLvRow>({*vni});
  if (to_lv == nullptr) return 0;
  const auto* network = tables.find<NetworkRow>({to_lv->local_vlan});
  return network == nullptr ? 0 : network->mtu_bytes;
}

}  // namespace

Offload received_offload(std::span<uint8_t> datagram, uint16_t inner_gso_bytes, const Tables& tables) {
  const auto frame = datagram.subspan(kVxlanHeaderBytes);
  Offload offload = recover_checksum(frame);
  if (offload.needs_csum) recover_super_frame(frame, network_mtu(datagram, tables), inner_gso_bytes, offload);
  return offload;
}

}  // namespace dvr
