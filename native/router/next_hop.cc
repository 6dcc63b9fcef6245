#include "router/next_hop.hpp"

#include "base/ip_prefix.hpp"

namespace dvr::router {
namespace {

// One lookup for each prefix length that the router has: a handful, however many routes there are.
const RoutesRow::Value* find_route(const Tables& tables, RouterId router, const IpAddr& destination) {
  for (const auto& [bits, routes] : tables.route_lengths(router, destination.is_v4()))
    if (const auto* row = tables.find<RoutesRow>({router, bits, masked(destination, bits)})) return row;
  return nullptr;
}

}  // namespace

std::optional<NextHop> find_next_hop(const Tables& tables, RouterId router, const IpAddr& destination) {
  const auto* row = find_route(tables, router, destination);
  if (row == nullptr || row->to_namespace) return std::nullopt;
  const IpAddr& next_hop = row->next_hop.is_any() ? destination : row->next_hop;
  const auto* neighbour = tables.find<NeighbourRow>({row->local_vlan, next_hop});
  if (neighbour == nullptr || neighbour->router) return std::nullopt;
  return NextHop{row->local_vlan, row->gateway_mac, neighbour->mac};
}

bool is_own_address(const Tables& tables, RouterId router, const IpAddr& ip) {
  const auto* row = tables.find<RoutesRow>({router, kAddressBits, ip});
  return row != nullptr && row->to_namespace;
}

}  // namespace dvr::router
