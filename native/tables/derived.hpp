// What stages want of the rows and no single row says: lists to flood to, this node's own DVR MAC, the
// prefix lengths to try. A part of every version of the tables, sharing with the version before what no
// changed row touches. Made by derivation.cc, read by the stages.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "tables/rows.hpp"
#include "tables/shared_lists.hpp"

namespace dvr {

// A prefix length (of 128) that a router has routes of, and how many.
struct RouteLength {
  uint16_t bits = 0;
  uint32_t routes = 0;
};

struct Derived {
  SharedLists<LocalVlan, PortId> ports;
  SharedLists<LocalVlan, PortId> vm_ports;  // without the routers' ports
  SharedLists<LocalVlan, PortId> ex_ports;
  SharedLists<LocalVlan, IpAddr> vteps;
  MacAddr own_dvr_mac;                        // the dvr_macs row marked own; zero: none
  std::vector<uint16_t> allowed_prefix_bits;  // the distinct prefix lengths of allowed_sources, longest first
  std::array<uint32_t, 129> allowed_rows_of_bits{};  // how many rows of allowed_sources have each length

  SharedLists<RouterId, RouteLength> v4_route_lengths, v6_route_lengths;  // longest first

  // What a longest match of this router has to try, and in which order.
  std::span<const RouteLength> route_lengths(RouterId router, bool is_v4) const {
    return (is_v4 ? v4_route_lengths : v6_route_lengths).of(router);
  }
  std::span<const PortId> flood_ports(LocalVlan local_vlan) const { return ports.of(local_vlan); }
  std::span<const PortId> flood_vm_ports(LocalVlan local_vlan) const { return vm_ports.of(local_vlan); }
  std::span<const PortId> ex_flood_ports(LocalVlan local_vlan) const { return ex_ports.of(local_vlan); }
  std::span<const IpAddr> flood_vteps(LocalVlan local_vlan) const { return vteps.of(local_vlan); }
};

}  // namespace dvr
