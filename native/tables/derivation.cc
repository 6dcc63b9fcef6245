#include "tables/derivation.hpp"

#include <algorithm>

namespace dvr {
namespace {

template <class T>
void sort_once(std::vector<T>& all) {
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
}

// Merges the changed keys, sorted, into the list of each network they name. `item` is what of a key stands
// in the list; `belongs` says whether it does now.
template <class T, class Key, class Item, class Belongs>
void update_lists(SharedLists<LocalVlan, T>& lists, std::span<const Key> changed, Item item, Belongs belongs) {
  for (auto first = changed.begin(); first != changed.end();) {
    const LocalVlan local_vlan = first->local_vlan;
    std::vector<T> list;
    const std::span<const T> before = lists.of(local_vlan);
    auto old = before.begin();
    for (; first != changed.end() && first->local_vlan == local_vlan; ++first) {
      const T here = item(*first);
      for (; old != before.end() && *old < here; ++old) list.push_back(*old);
      if (old != before.end() && *old == here) ++old;
      if (belongs(*first)) list.push_back(here);
    }
    list.insert(list.end(), old, before.end());
    lists.set(local_vlan, std::move(list));
  }
}

}  // namespace

void Derivation::finish() {
  note_floods_to_changed_ports();
  sort_once(flood_);
  const auto port_of = [](const FloodRow::Key& key) { return key.port; };
  const auto floods = [this](const FloodRow::Key& key) { return next_.find<FloodRow>(key) != nullptr; };
  const auto floods_beyond_routers = [&](const FloodRow::Key& key) {
    const auto* port = next_.find<PortRow>({key.port});
    return port != nullptr && port->kind != PortKind::router && floods(key);
  };
  update_lists<PortId, FloodRow::Key>(next_.ports, flood_, port_of, floods);
  update_lists<PortId, FloodRow::Key>(next_.vm_ports, flood_, port_of, floods_beyond_routers);

  sort_once(ex_flood_);
  update_lists<PortId, ExFloodRow::Key>(
      next_.ex_ports, ex_flood_, port_of,
      [this](const ExFloodRow::Key& key) { return next_.find<ExFloodRow>(key) != nullptr; });

  sort_once(flood_to_tun_);
  update_lists<IpAddr, FloodToTunRow::Key>(
      next_.vteps, flood_to_tun_, [](const FloodToTunRow::Key& key) { return key.vtep; },
      [this](const FloodToTunRow::Key& key) { return next_.find<FloodToTunRow>(key) != nullptr; });

  if (dvr_macs_changed_) derive_own_dvr_mac();
  if (allowed_sources_changed_) derive_allowed_prefix_bits();
  derive_route_lengths();
}

// A port that turned from a VM's into a router's changes the lists of the networks that flood to it. There
// are no more rows of flood than ports, so looking at all of them has a bound.
void Derivation::note_floods_to_changed_ports() {
  if (ports_.empty() && !all_ports_changed_) return;
  sort_once(ports_);
  next_.of<FloodRow>().for_each([this](const FloodRow::Key& key, const FloodRow::Value&) {
    if (all_ports_changed_ || std::binary_search(ports_.begin(), ports_.end(), key.port))
      flood_.push_back(key);
  });
}

void Derivation::derive_own_dvr_mac() {
  const auto* own = next_.find<DvrMacRow>({next_.own_dvr_mac});
  if (own != nullptr && own->own) return;
  next_.own_dvr_mac = {};
  next_.of<DvrMacRow>().for_each([this](const DvrMacRow::Key& key, const DvrMacRow::Value& value) {
    if (value.own) next_.own_dvr_mac = key.mac;
  });
}

void Derivation::derive_allowed_prefix_bits() {
  auto& bits = next_.allowed_prefix_bits;
  bits.clear();
  for (size_t length = next_.allowed_rows_of_bits.size(); length-- > 0;)
    if (next_.allowed_rows_of_bits[length] != 0) bits.push_back(static_cast<uint16_t>(length));
}

// Counts the changed routes in or out, list by list: as many steps as rows changed, however many there are.
void Derivation::derive_route_lengths() {
  std::sort(routes_.begin(), routes_.end());
  for (auto first = routes_.begin(); first != routes_.end();) {
    const auto [is_v4, router, bits, more] = *first;
    auto& lists = is_v4 ? next_.v4_route_lengths : next_.v6_route_lengths;
    const auto before = lists.of(router);
    std::vector<RouteLength> list(before.begin(), before.end());
    for (; first != routes_.end() && first->is_v4 == is_v4 && first->router == router; ++first) {
      const auto is_longer = [&](const RouteLength& length) { return length.bits > first->bits; };
      auto at = std::partition_point(list.begin(), list.end(), is_longer);
      if (at == list.end() || at->bits != first->bits) at = list.insert(at, {first->bits, 0});
      at->routes += static_cast<uint32_t>(first->more);
    }
    std::erase_if(list, [](const RouteLength& length) { return length.routes == 0; });
    lists.set(router, std::move(list));
  }
}

}  // namespace dvr
