/**
 * The contract between controller and agents: everything one node must know, and nothing else.
 *
 * A view is whole and stamped with a generation. Agents derive table rows and namespace contents from
 * it alone, so no step depends on having seen an earlier view. Addresses are text in canonical form
 * (MAC lower case with colons; IPv6 compressed); they were parsed at the edge and cannot be wrong here.
 */

import type { RouterWay, RoutingMode } from './routing.js';
import type { AdvertisedMode } from './slaac.js';

/** One subnet of a network, as every node sees it. */
export interface SubnetView {
  readonly cidr: string;
  /** The gateway address VMs are given; absent when no router has an interface in the subnet. */
  readonly gatewayIp?: string;
  /** How routers advertise it; absent: they do not, and attach configures addresses and default route. */
  readonly ipv6?: AdvertisedMode;
}

/** A router's interface in one network: the same MAC and addresses on every node that has a copy. */
export interface RouterInterfaceView {
  readonly routerId: string;
  readonly mac: string;
  /** Addresses with prefix length, e.g. "10.1.0.1/24". */
  readonly addresses: readonly string[];
}

/** A port of a network, wherever it is bound. */
export interface PortView {
  readonly name: string;
  readonly mac: string;
  readonly ips: readonly string[];
  /** Node the port is bound to; absent: unbound, so it has no neighbour entry anywhere. */
  readonly node?: string;
  /** Node that the port is on its way to: it gets the network's broadcasts too, and no traffic of the port's yet. */
  readonly migratingTo?: string;
  /** Further addresses the port may use: `ip` is an address or CIDR, `mac` defaults to the port's. */
  readonly allowedAddressPairs: readonly { readonly ip: string; readonly mac: string }[];
  /** Those of the pairs' addresses that the port was the last to announce, and with which MAC. */
  readonly holds?: readonly { readonly ip: string; readonly mac: string }[];
}

export interface NetworkView {
  readonly name: string;
  readonly vni: number;
  readonly mtuBytes: number;
  readonly subnets: readonly SubnetView[];
  /** All bound ports of the network, local and remote: L2 population. */
  readonly ports: readonly PortView[];
  /** Every router interface in the network, whether or not this node has a copy of that router. */
  readonly routerInterfaces: readonly RouterInterfaceView[];
  /** VTEPs that get the network's broadcasts (nodes with a port of it, and interop VTEPs), not this node's. */
  readonly floodVteps: readonly string[];
}

/** A network outside the cloud that this node's routers have a gateway in, reached by a provider network's wire. */
export interface ExternalNetworkView {
  readonly name: string;
  readonly mtuBytes: number;
  readonly subnets: readonly SubnetView[];
  /** This node's way onto the wire; absent: it has none, and its traffic leaves by the network node. */
  readonly uplink?: UplinkView;
  /** The device `fg-` of this node's FIP namespace; absent without an uplink. */
  readonly fg?: { readonly mac: string; readonly addresses: readonly string[] };
}

export interface UplinkView {
  readonly physicalNetwork: string;
  /** A Linux device of the node. */
  readonly device: string;
  /** The provider VLAN; absent: flat, untagged. */
  readonly vlan?: number;
}

/** A router's gateway in an external network, and who does its source NAT. */
export interface GatewayView {
  readonly network: string;
  /** Off: private addresses are routed outside as they are. */
  readonly snat: boolean;
  /** `router`: the seed's way, by the network node's copy of the router; `direct`: straight to the `sg-` device. */
  readonly snatPath: SnatPath;
  /** The node that does the source NAT; absent: nobody does, and what would leave that way is dropped. */
  readonly node?: string;
  /** Where several nodes can, they choose among themselves, and `node` is the one to begin with. */
  readonly election?: ElectionView;
  /** The router's addresses in the external network, with prefix length, and the MAC of `qg-`. */
  readonly mac: string;
  readonly addresses: readonly string[];
  /** One `sg-` device a tenant network: also among the network's ports, as `sg/ROUTER/NETWORK` of the network node. */
  readonly snatPorts: readonly { readonly network: string; readonly mac: string; readonly addresses: readonly string[] }[];
  /** Those whose port has an address now. */
  readonly portForwardings?: readonly PortForwardingView[];
}

/** What the SNAT namespace hands on to a VM, port by port. */
export interface PortForwardingView {
  readonly protocol: 'tcp' | 'udp';
  /** The gateway's own address, or a floating IP that is nobody's else. */
  readonly externalIp: string;
  readonly externalPort: number;
  readonly fixedIp: string;
  readonly internalPort: number;
}

/** Who may do a router's source NAT, the preferred first, and all nodes that have a copy of it: who has a voice. */
export interface ElectionView {
  readonly candidates: readonly string[];
  readonly nodes: readonly string[];
}

/** The first is the default. */
export const snatPaths = ['router', 'direct'] as const;
export type SnatPath = (typeof snatPaths)[number];

/** A floating IP, where this node does its NAT: on the port's own node, or in the SNAT namespace. Of IPv4, always. */
export interface FloatingIpView {
  readonly ip: string;
  /** The external network it is of: the router's gateway network. */
  readonly network: string;
  readonly fixedIp: string;
  readonly port: string;
  readonly placement: 'distributed' | 'central';
}

/** A router that has a copy on this node. */
export interface RouterView {
  readonly id: string;
  readonly interfaces: readonly { readonly network: string; readonly mac: string; readonly addresses: readonly string[] }[];
  readonly routes: readonly { readonly destination: string; readonly via: string }[];
  readonly routing: RoutingMode;
  readonly gateway?: GatewayView;
  /** Those that this node does; every address is one node's. */
  readonly floatingIps?: readonly FloatingIpView[];
}

/** A port bound to this node, and where its device is to appear. */
export interface LocalPortView {
  readonly name: string;
  readonly network: string;
  readonly portSecurity: boolean;
  readonly attachment?: Attachment;
  /** It is on its way here: what it says is taken in, and nothing but what comes by the tunnel leads to it. */
  readonly incoming?: true;
}

/**
 * Where a port is plugged in: a network namespace, given by path or by a process in it, where its device appears as
 * `ifname`; or, with neither, the node's own device `ifname` (a tap that QEMU made), which stays where it is.
 */
export interface Attachment {
  readonly netns?: string;
  readonly pid?: number;
  readonly ifname: string;
}

/** Whether the port is a device that is there already, and nothing is to be plugged in anywhere. */
export const isOwnDevice = ({ netns, pid }: Attachment): boolean => netns === undefined && pid === undefined;

/** Another node, or a foreign VTEP marked interop (it has no DVR MAC). */
export interface PeerView {
  readonly name: string;
  readonly vtepIp: string;
  readonly dvrMac?: string;
  readonly interop: boolean;
}

export interface NodeView {
  readonly generation: number;
  readonly node: { readonly name: string; readonly vtepIp: string; readonly dvrMac: string };
  readonly peers: readonly PeerView[];
  readonly networks: readonly NetworkView[];
  readonly routers: readonly RouterView[];
  /** Of this node's routers' gateways. */
  readonly externalNetworks?: readonly ExternalNetworkView[];
  readonly localPorts: readonly LocalPortView[];
}

/** What an agent says back: which generation it has applied and how its ports are. */
export interface NodeReport {
  readonly node: string;
  readonly generation: number;
  readonly ports: readonly PortReport[];
  readonly errors: readonly { readonly code: string; readonly message: string }[];
  /** Which way each router's traffic takes on the node; absent from an agent that knows one way only. */
  readonly routers?: readonly RouterReport[];
}

export interface RouterReport extends RouterWay {
  readonly id: string;
  /** Who does its source NAT, as far as the node knows, where several could. */
  readonly snatNode?: string;
}

export interface PortReport {
  readonly name: string;
  readonly state: 'up' | 'down' | 'gone' | 'error';
  readonly error?: string;
}
