/**
 * The contract between controller and agents: everything one node must know, and nothing else.
 *
 * A view is whole and stamped with a generation. Agents derive table rows and namespace contents from
 * it alone, so no step depends on having seen an earlier view. Addresses are text in canonical form
 * (MAC lower case with colons; IPv6 compressed); they were parsed at the edge and cannot be wrong here.
 */

import type { RouterWay, RoutingMode } from './routing.js';

/** One subnet of a network, as every node sees it. */
export interface SubnetView {
  readonly cidr: string;
  /** The gateway address VMs are given; absent when no router has an interface in the subnet. */
  readonly gatewayIp?: string;
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
  /** Further addresses the port may use: `ip` is an address or CIDR, `mac` defaults to the port's. */
  readonly allowedAddressPairs: readonly { readonly ip: string; readonly mac: string }[];
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

/** A router that has a copy on this node. */
export interface RouterView {
  readonly id: string;
  readonly interfaces: readonly { readonly network: string; readonly mac: string; readonly addresses: readonly string[] }[];
  readonly routes: readonly { readonly destination: string; readonly via: string }[];
  readonly routing: RoutingMode;
}

/** A port bound to this node, and where its device is to appear. */
export interface LocalPortView {
  readonly name: string;
  readonly network: string;
  readonly portSecurity: boolean;
  readonly attachment?: Attachment;
}

/** Where a port is plugged in: a network namespace, given by path or by a process in it. */
export interface Attachment {
  readonly netns?: string;
  readonly pid?: number;
  readonly ifname: string;
}

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

export interface RouterReport extends RouterWay { readonly id: string }

export interface PortReport {
  readonly name: string;
  readonly state: 'up' | 'down' | 'gone' | 'error';
  readonly error?: string;
}
