// The rows of every table: key and value as plain structs, and the names of their fields. This is the
// only description of the tables: decoding a batch, `dvr tables`, the TypeScript encoder
// (src/dataplane/pipeline.ts) and the reference-model tests are all made from it.
//
// A row type has: kName (the table's name, the stage's that reads it where it is one stage's alone),
// kLimit (most rows), Key, Value, each with `fields(self, visit)` calling visit(name, member) in order.
// Written by the JS side in whole batches; read by the workers.
#pragma once

#include "tables/port_kind.hpp"
#include "tables/row_fields.hpp"

namespace dvr {

// Which network a port belongs to and how far it is trusted. An uplink belongs to several, so its local VLAN is 0
// (provider_in says which). Read by classify and provider_in.
struct PortRow {
  static constexpr const char* kName = "ports";
  static constexpr size_t kLimit = kPortLimit;
  struct Key {
    PortId port;
    auto operator<=>(const Key&) const = default;
    DVR_FIELDS(DVR_FIELD(port))
  };
  struct Value {
    PortKind kind{};
    LocalVlan local_vlan;
    MacAddr mac;
    bool port_security = true;  // false: anti_spoof lets everything through but router and DVR MACs
    DVR_FIELDS(DVR_FIELD(kind) DVR_FIELD(local_vlan) DVR_FIELD(mac) DVR_FIELD(port_security))
  };
};

// What a network is outside this node: its VNI and its MTU. Read by vxlan_encap and route.
struct NetworkRow {
  static constexpr const char* kName = "networks";
  static constexpr size_t kLimit = 4094;
  struct Key {
    LocalVlan local_vlan;
    auto operator<=>(const Key&) const = default;
    DVR_FIELDS(DVR_FIELD(local_vlan))
  };
  struct Value {
    Vni vni;
    uint16_t mtu_bytes = 0;
    DVR_FIELDS(DVR_FIELD(vni) DVR_FIELD(mtu_bytes))
  };
};

// The VTEPs VXLAN is accepted from. Read by vxlan_decap.
struct VtepRow {
  static constexpr const char* kName = "vteps";
  static constexpr size_t kLimit = 4096;
  struct Key {
    IpAddr vtep;
    auto operator<=>(const Key&) const = default;
    DVR_FIELDS(DVR_FIELD(vtep))
  };
  struct Value {
    bool interop = false;  // a foreign VTEP without L2 population: MACs behind it are learned
    DVR_FIELDS(DVR_FIELD(interop))
  };
};

// The network of a VNI on this node. Read by tun_to_lv.
struct TunToLvRow {
  static constexpr const char* kName = "tun_to_lv";
  static constexpr size_t kLimit = 4094;
  struct Key {
    Vni vni;
    auto operator<=>(const Key&) const = default;
    DVR_FIELDS(DVR_FIELD(vni))
  };
  struct Value {
    LocalVlan local_vlan;
    DVR_FIELDS(DVR_FIELD(local_vlan))
  };
};

// All DVR unique MACs of the cloud, this node's own marked. Read by classify, anti_spoof, dvr_process.
struct DvrMacRow {
  static constexpr const char* kName = "dvr_macs";
  static constexpr size_t kLimit = 4096;
  struct Key {
    MacAddr mac;
    auto operator<=>(const Key&) const = default;
    DVR_FIELDS(DVR_FIELD(mac))
  };
  struct Value {
    bool own = false;
    IpAddr vtep;
    DVR_FIELDS(DVR_FIELD(own) DVR_FIELD(vtep))
  };
};

// For a frame from a DVR MAC to a local port: the gateway MAC its source is turned back into, and the
// port. `ip` is the packet's destination where subnets of one network differ, else any.
struct DvrToSrcMacRow {
  static constexpr const char* kName = "dvr_to_src_mac";
  static constexpr size_t kLimit = 65536;
  struct Key {
    LocalVlan local_vlan;
    MacAddr mac;
    IpAddr ip;
    auto operator<=>(const Key&) const = default;
    DVR_FIELDS(DVR_FIELD(local_vlan) DVR_FIELD(mac) DVR_FIELD(ip))
  };
  struct Value {
    MacAddr gateway_mac;
    PortId port;
    DVR_FIELDS(DVR_FIELD(gateway_mac) DVR_FIELD(port))
  };
};

// The addresses a VM port may use as source: `ip`/`prefix_bits` (of 128; IPv4 /24 is 120). A row with
// ip any and 128 bits allows the MAC itself. Read by anti_spoof.
struct AllowedSourceRow {
  static constexpr const char* kName = "allowed_sources";
  static constexpr size_t kLimit = 262144;
  struct Key {
    PortId port;
    MacAddr mac;
    IpAddr ip;
    uint16_t prefix_bits = 128;
    auto operator<=>(const Key&) const = default;
    DVR_FIELDS(DVR_FIELD(port) DVR_FIELD(mac) DVR_FIELD(ip) DVR_FIELD(prefix_bits))
  };
  struct Value {
    DVR_FIELDS()
  };
};

// Who has an address of a network. Read by arp_responder, which answers ARP and ND with it, by route, and by
// anti_spoof: one table, so that what VMs are told and what is routed can never disagree.
struct NeighbourRow {
  static constexpr const char* kName = "neighbours";
  static constexpr size_t kLimit = 262144;
  struct Key {
    LocalVlan local_vlan;
    IpAddr ip;
    auto operator<=>(const Key&) const = default;
    DVR_FIELDS(DVR_FIELD(local_vlan) DVR_FIELD(ip))
  };
  struct Value {
    MacAddr mac;
    bool router = false;   // sets the R flag of a neighbour advertisement (RFC 4861 section 4.4)
    bool movable = false;  // a port may announce the address as its own: that is told (arp_responder)
    DVR_FIELDS(DVR_FIELD(mac) DVR_FIELD(router) DVR_FIELD(movable))
  };
};

// What router advertisements say in a network, a row a prefix, numbered from 0 without a gap: the router that
// is the network's default (its gateway MAC, the same in all rows), the prefix, whether hosts make themselves an
// address in it (the A flag), and whether DHCPv6 gives them one (the M flag). Read by ra_responder.
struct RaResponderRow {
  static constexpr const char* kName = "ra_responder";
  static constexpr size_t kLimit = 65536;  // 16 subnets in each of 4094 networks
  struct Key {
    LocalVlan local_vlan;
    uint16_t index = 0;
    auto operator<=>(const Key&) const = default;
    DVR_FIELDS(DVR_FIELD(local_vlan) DVR_FIELD(index))
  };
  struct Value {
    MacAddr gateway_mac;
    IpAddr prefix;
    uint16_t prefix_bits = 64;
    bool autonomous = false;
    bool managed = false;
    DVR_FIELDS(DVR_FIELD(gateway_mac) DVR_FIELD(prefix) DVR_FIELD(prefix_bits) DVR_FIELD(autonomous)
                   DVR_FIELD(managed))
  };
};

// Every router MAC of a network, the port of this node's copy of the router (0 where there is none), and
// its number where the fast path routes for it (0: its namespace does). Read by find_router, classify,
// anti_spoof, dvr_process.
struct RouterMacRow {
  static constexpr const char* kName = "router_macs";
  static constexpr size_t kLimit = 16384;
  struct Key {
    LocalVlan local_vlan;
    MacAddr mac;
    auto operator<=>(const Key&) const = default;
    DVR_FIELDS(DVR_FIELD(local_vlan) DVR_FIELD(mac))
  };
  struct Value {
    PortId namespace_port;
    RouterId router;
    DVR_FIELDS(DVR_FIELD(namespace_port) DVR_FIELD(router))
  };
};

// The routes of a router: `ip`/`prefix_bits` (of 128; IPv4 /24 is 120), the longest match wins. The packet
// leaves into the network of `local_vlan` with `gateway_mac` as source, to the neighbour `next_hop`, or
// where that is any to its destination itself. What the router takes for itself (its own addresses, a
// subnet's broadcast) has rows too, marked `to_namespace`. Read by route.
struct RoutesRow {
  static constexpr const char* kName = "routes";
  static constexpr size_t kLimit = 65536;
  struct Key {
    RouterId router;
    uint16_t prefix_bits = 128;
    IpAddr ip;
    auto operator<=>(const Key&) const = default;
    DVR_FIELDS(DVR_FIELD(router) DVR_FIELD(prefix_bits) DVR_FIELD(ip))
  };
  struct Value {
    LocalVlan local_vlan;
    MacAddr gateway_mac;
    IpAddr next_hop;
    bool to_namespace = false;
    DVR_FIELDS(DVR_FIELD(local_vlan) DVR_FIELD(gateway_mac) DVR_FIELD(next_hop) DVR_FIELD(to_namespace))
  };
};

// Of a router's gateway MAC, the node that does the router's source NAT: its VTEP, any where it is this node.
// Where nobody does, or who does is addressed directly, there is no row. Read by find_router, dvr_to_src_mac,
// dvr_process and ucast_to_tun.
struct SnatGatewayRow {
  static constexpr const char* kName = "snat_gateways";
  static constexpr size_t kLimit = 16384;
  using Key = RouterMacRow::Key;
  struct Value {
    IpAddr vtep;
    bool is_here() const { return vtep.is_any(); }
    DVR_FIELDS(DVR_FIELD(vtep))
  };
};

// The local port of a MAC. Read by switch.
struct SwitchRow {
  static constexpr const char* kName = "switch";
  static constexpr size_t kLimit = 65536;
  using Key = RouterMacRow::Key;
  struct Value {
    PortId port;
    DVR_FIELDS(DVR_FIELD(port))
  };
};

// The local ports of a network that get its broadcasts. Read by flood, as a list (Tables::flood_ports).
struct FloodRow {
  static constexpr const char* kName = "flood";
  static constexpr size_t kLimit = kPortLimit;
  struct Key {
    LocalVlan local_vlan;
    PortId port;
    auto operator<=>(const Key&) const = default;
    DVR_FIELDS(DVR_FIELD(local_vlan) DVR_FIELD(port))
  };
  struct Value {
    DVR_FIELDS()
  };
};

// L2 population: the VTEP of a MAC. Read by ucast_to_tun.
struct UcastToTunRow {
  static constexpr const char* kName = "ucast_to_tun";
  static constexpr size_t kLimit = 1048576;
  using Key = RouterMacRow::Key;
  struct Value {
    IpAddr vtep;
    bool learned = false;  // seen behind an interop VTEP, not told by the controller
    bool stale = false;    // learned long ago: still used, but classify reports the MAC anew when it is seen
    DVR_FIELDS(DVR_FIELD(vtep) DVR_FIELD(learned) DVR_FIELD(stale))
  };
};

// Head-end replication: the VTEPs that get a network's broadcasts. Read by flood_to_tun, as a list.
struct FloodToTunRow {
  static constexpr const char* kName = "flood_to_tun";
  static constexpr size_t kLimit = 262144;
  struct Key {
    LocalVlan local_vlan;
    IpAddr vtep;
    auto operator<=>(const Key&) const = default;
    DVR_FIELDS(DVR_FIELD(local_vlan) DVR_FIELD(vtep))
  };
  struct Value {
    DVR_FIELDS()
  };
};

}  // namespace dvr
