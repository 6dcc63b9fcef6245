// What stages want of the rows and no single row says: lists to flood to, this node's own DVR MAC, the
// prefix lengths to try. A part of every version of the tables, sharing with the version before what no
// changed row touches. Made by derivation.cc, read by the stages.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "tables/flood_lists.hpp"
#include "tables/rows.hpp"

namespace dvr {

struct Derived {
  FloodLists<PortId> ports;
  FloodLists<PortId> vm_ports;  // without the routers' ports
  FloodLists<IpAddr> vteps;
  MacAddr own_dvr_mac;                        // the dvr_macs row marked own; zero: none
  std::vector<uint16_t> allowed_prefix_bits;  // the distinct prefix lengths of allowed_sources, longest first
  std::array<uint32_t, 129> allowed_rows_of_bits{};  // how many rows of allowed_sources have each length

  std::span<const PortId> flood_ports(LocalVlan local_vlan) const { return ports.of(local_vlan); }
  std::span<const PortId> flood_vm_ports(LocalVlan local_vlan) const { return vm_ports.of(local_vlan); }
  std::span<const IpAddr> flood_vteps(LocalVlan local_vlan) const { return vteps.of(local_vlan); }
};

}  // namespace dvr
