// Where a router sends a packet next: its longest matching route, then the neighbour there. Reads routes and
// neighbours; called by route.
#pragma once

#include <optional>

#include "tables/tables.hpp"

namespace dvr::router {

// The router's own end of the link and the neighbour at the other.
struct NextHop {
  LocalVlan local_vlan;  // of the network it leaves into
  MacAddr gateway_mac;   // the router's, there
  MacAddr mac;           // the neighbour's
};

// Nothing: no route, no neighbour, a neighbour that is itself a router, or the router is meant.
std::optional<NextHop> find_next_hop(const Tables& tables, RouterId router, const IpAddr& destination);

// The router has the address itself: nobody else may be its packet's source.
bool is_own_address(const Tables& tables, RouterId router, const IpAddr& ip);

}  // namespace dvr::router
