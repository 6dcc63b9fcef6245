/**
 * What people ask for, and what the controller holds of it: nodes, networks, routers, ports.
 *
 * An `…Intent` is one declaration of the topology file: what is left out there is undefined here. The
 * plain noun is the thing as the controller keeps it, with everything allocated. Both hold parsed
 * values only.
 */
import type { Cidr, InterfaceAddress, IpAddress, MacAddress } from './addresses.js';
import type { Name, Vni } from './identifiers.js';
import type { RoutingMode } from './routing.js';

export interface NodeIntent {
  readonly name: Name;
  readonly vtepIp: IpAddress;
  /** MTU of the node's underlay device, or the whole underlay's where the node has none of its own. */
  readonly underlayMtuBytes: number;
}

export interface Node extends NodeIntent {
  readonly dvrMac: MacAddress;
  /** What the agent found on the machine; it counts where it is smaller than what was declared. */
  readonly reportedMtuBytes?: number;
}

/** A foreign VTEP without L2 population: what lives behind it is learned. */
export interface InteropVtep {
  readonly name: Name;
  readonly vtepIp: IpAddress;
  readonly networks: readonly Name[];
}

/** A prefix of a network. `gatewayIp` is what VMs are given and no port may have. */
export interface Subnet {
  readonly cidr: Cidr;
  readonly gatewayIp: IpAddress;
}

export interface NetworkIntent {
  readonly name: Name;
  readonly vni?: Vni;
  /** A wish: without it the network gets all the underlay leaves. */
  readonly mtuBytes?: number;
  readonly subnets: readonly Subnet[];
}

export interface Network extends NetworkIntent {
  readonly vni: Vni;
}

export interface RouterInterfaceIntent {
  readonly network: Name;
  readonly addresses: readonly InterfaceAddress[];
}

export interface RouterInterface extends RouterInterfaceIntent {
  /** The gateway MAC: the same on every node that has a copy of the router. */
  readonly mac: MacAddress;
}

export interface Route {
  readonly destination: Cidr;
  readonly via: IpAddress;
}

export interface RouterIntent {
  readonly id: Name;
  /** One for each network, however many subnets it has. */
  readonly interfaces: readonly RouterInterfaceIntent[];
  readonly routes: readonly Route[];
  readonly routing: RoutingMode;
}

export interface Router extends RouterIntent {
  readonly interfaces: readonly RouterInterface[];
}

/** A further address a port may use; without `mac` it is the port's own. */
export interface AllowedAddressPair {
  readonly ip: IpAddress | Cidr;
  readonly mac?: MacAddress;
}

export interface PortIntent {
  readonly name: Name;
  readonly network: Name;
  /** Where the port is attached when nobody says otherwise. */
  readonly node?: Name;
  /** None: one is allocated from each address family of the network. */
  readonly ips: readonly IpAddress[];
  readonly mac?: MacAddress;
  readonly allowedAddressPairs: readonly AllowedAddressPair[];
  readonly portSecurity: boolean;
}

/** Where a port is plugged in: a network namespace, given by path or by a process in it. */
export interface PortAttachment {
  readonly netns?: string;
  readonly pid?: number;
  readonly ifname: string;
}

export interface Binding {
  readonly node: Name;
  /** Generation of the first view with this binding: an older report cannot speak of it. */
  readonly boundAt: number;
  readonly attachment?: PortAttachment;
}

export interface Port extends PortIntent {
  readonly mac: MacAddress;
  /** Absent: the port exists, but no node forwards to it. */
  readonly binding?: Binding;
  /** What attach made, detach deletes, and a new topology file leaves alone. */
  readonly madeBy: 'topology' | 'attach';
}
