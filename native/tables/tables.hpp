// All tables of one version, as the stages read them. A version never changes once published; a batch
// makes the next one, sharing every table it does not touch.
#pragma once

#include <memory>
#include <span>
#include <tuple>
#include <vector>

#include "base/types.hpp"
#include "tables/flat_map.hpp"
#include "tables/rows.hpp"

namespace dvr {

template <class Row>
using Table = FlatMap<typename Row::Key, typename Row::Value, Row::kLimit>;

// The tables in packet order; a table's place here is its number in a batch.
using AllRows = std::tuple<VtepRow, TunToLvRow, PortRow, DvrMacRow, DvrToSrcMacRow, AllowedSourceRow,
                           ArpResponderRow, RouteRow, SwitchRow, FloodRow, UcastToTunRow, FloodToTunRow,
                           NetworkRow>;

template <class Rows>
struct SharedTables;
template <class... Row>
struct SharedTables<std::tuple<Row...>> {
  std::tuple<std::shared_ptr<const Table<Row>>...> all{std::make_shared<const Table<Row>>()...};
};

struct Tables {
  uint64_t generation = 0;

  template <class Row>
  const Table<Row>& of() const {
    return *std::get<std::shared_ptr<const Table<Row>>>(shared.all);
  }
  template <class Row>
  const typename Row::Value* find(const typename Row::Key& key) const {
    return of<Row>().find(key);
  }

  // Derived from the rows when a version is made (tables/batch.cc), so that a flood is one lookup.
  std::span<const PortId> flood_ports(LocalVlan local_vlan) const { return list(ports_of, local_vlan); }
  std::span<const PortId> flood_vm_ports(LocalVlan local_vlan) const { return list(vm_ports_of, local_vlan); }
  std::span<const IpAddr> flood_vteps(LocalVlan local_vlan) const { return list(vteps_of, local_vlan); }

  SharedTables<AllRows> shared;
  std::vector<std::vector<PortId>> ports_of;     // by local VLAN
  std::vector<std::vector<PortId>> vm_ports_of;  // by local VLAN; without the routers' ports
  std::vector<std::vector<IpAddr>> vteps_of;     // by local VLAN
  MacAddr own_dvr_mac;                        // the dvr_macs row marked own; zero: none
  std::vector<uint16_t> allowed_prefix_bits;  // the distinct prefix lengths of allowed_sources, longest first

 private:
  template <class T>
  static std::span<const T> list(const std::vector<std::vector<T>>& lists, LocalVlan local_vlan) {
    if (local_vlan.value >= lists.size()) return {};
    return lists[local_vlan.value];
  }
};

}  // namespace dvr
