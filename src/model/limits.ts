/**
 * The bounds of a deployment, and why. Reaching one is an operator's error that names it; none grows.
 * They fit the tables of the fast path (native/tables/rows.hpp), which is where memory is spent.
 */

/** Octets of every DVR unique MAC; kept apart from those of ports (neutron-lib's dvr_base_mac). */
export const DVR_MAC_OUI = 'fa:16:3f';
/** Octets of the MACs given to ports and router interfaces (Neutron's base_mac). */
export const PORT_MAC_OUI = 'fa:16:3e';

/** Each node knows every other one's VTEP and DVR MAC. */
export const MAX_NODES = 1_024;
/** Each has every agent's connection; what they keep in common has a majority with three, or five. */
export const MAX_CONTROLLERS = 7;
export const MAX_INTEROP_VTEPS = 256;
/** A node that has all networks has a local VLAN for each: 1 to 4094. */
export const MAX_NETWORKS = 4_094;
/** They and the networks together are MAX_NETWORKS at most: an external network has a local VLAN too. */
export const MAX_EXTERNAL_NETWORKS = 256;
/** A node has a port of the fast path, and an AF_PACKET ring, for each. */
export const MAX_PROVIDERS_PER_NODE = 16;
/** 802.1Q: 0 is no VLAN, 4095 is kept. */
export const MAX_PROVIDER_VLAN = 4_094;
export const MAX_FLOATING_IPS = 16_384;
export const MAX_SUBNETS_PER_NETWORK = 16;
export const MAX_ROUTERS = 1_024;
export const MAX_INTERFACES_PER_ROUTER = 64;
export const MAX_ROUTES_PER_ROUTER = 256;
/** Elements of one nft map, which are given anew whenever one changes. */
export const MAX_PORT_FORWARDINGS_PER_ROUTER = 1_024;
/** With the routers' `sg-` devices, which are ports of their networks. */
export const MAX_PORTS = 65_536;
export const MAX_IPS_PER_PORT = 16;
export const MAX_ADDRESS_PAIRS_PER_PORT = 64;
/** A pair that is a prefix lets a port announce any address in it; the oldest are forgotten. */
export const MAX_HELD_ADDRESSES_PER_PORT = 256;
/**
 * A view is one message on the agent's stream. All the ports there can be, with an address each, are about
 * 8 MB; only tens of thousands of ports with dozens of address pairs come near.
 */
export const MAX_VIEW_BYTES = 60 << 20;
export const MAX_STREAM_MESSAGE_BYTES = 64 << 20;

/** Ethernet's own: what an uplink carries unless told otherwise. */
export const DEFAULT_MTU_BYTES = 1_500;
/** Every IPv4 host must take this much (RFC 1122 section 3.3.2), so less is nobody's wish. */
export const MIN_MTU_BYTES = 576;
/** RFC 8200 section 5. */
export const MIN_IPV6_MTU_BYTES = 1_280;
export const MAX_MTU_BYTES = 65_535;

/** What VXLAN adds: inner Ethernet 14, VXLAN 8, UDP 8, the outer IP header (RFC 7348 section 5). */
export const VXLAN_OVERHEAD_BYTES = { 4: 50, 6: 70 } as const;

/** Network nodes that one router has its SNAT namespace on: one at work, the others ready to take over. */
export const MAX_SNAT_NODES = 3;
