/**
 * What people ask for, and what the controller holds of it: nodes, networks, routers, ports, and what lies
 * outside.
 *
 * An `…Intent` is one declaration of the topology file: what is left out there is undefined here. The
 * plain noun is the thing as the controller keeps it, with everything allocated. Both hold parsed
 * values only.
 */
import type { Cidr, InterfaceAddress, IpAddress, MacAddress } from './addresses.js';
import type { Name, Vni } from './identifiers.js';
import type { SnatPath } from './node-view.js';
import type { RoutingMode } from './routing.js';
import type { AdvertisedMode } from './slaac.js';

export interface NodeIntent {
  readonly name: Name;
  readonly vtepIp: IpAddress;
  /** MTU of the node's underlay device, or the whole underlay's where the node has none of its own. */
  readonly underlayMtuBytes: number;
  /** The physical networks that the node is plugged into. */
  readonly providers: readonly Provider[];
  /** Whether routers' source NAT may be done here. */
  readonly networkNode: boolean;
}

export interface Provider {
  readonly physicalNetwork: Name;
  /** A Linux device of the node. */
  readonly device: string;
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

/** A prefix of a network. */
export interface Subnet {
  readonly cidr: Cidr;
  /** What VMs are given and no port may have; absent: hosts here have no way out. */
  readonly gatewayIp?: IpAddress;
  /** What may be given out unasked; absent: all that is left. */
  readonly pools?: readonly AddressRange[];
  /** How routers advertise it; absent: they do not. */
  readonly ipv6?: AdvertisedMode;
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
  /** Switched off: no port of it is known anywhere. */
  readonly adminDown?: true;
}

export interface ExternalNetworkIntent {
  readonly name: Name;
  readonly physicalNetwork: Name;
  /** Absent: flat, untagged. */
  readonly vlan?: number;
  readonly mtuBytes: number;
  readonly subnets: readonly ExternalSubnet[];
}

/** `gatewayIp` is the upstream's: where routers send what is for the world. */
export type ExternalSubnet = Subnet;

/** Both ends belong to it. */
export interface AddressRange {
  readonly first: IpAddress;
  readonly last: IpAddress;
}

/** A router's way out. What it leaves open the controller allocates. */
export interface GatewayIntent {
  readonly network: Name;
  readonly ip?: IpAddress;
  readonly snat: boolean;
  readonly snatPath: SnatPath;
  /** The network node that does the source NAT. */
  readonly node?: Name;
}

/** What a router with a gateway was given. */
export interface Gateway {
  readonly router: Name;
  readonly network: Name;
  /** Absent: there is no network node with an uplink. */
  readonly node?: Name;
  /** Of `qg-`, as are the addresses: one of each family that the external network has. */
  readonly mac: MacAddress;
  readonly addresses: readonly InterfaceAddress[];
  readonly snatPorts: readonly SnatPort[];
}

/** A device `sg-`: in each of the router's subnets of the network it has an address. */
export interface SnatPort {
  readonly network: Name;
  readonly mac: MacAddress;
  readonly addresses: readonly InterfaceAddress[];
}

/** A device `fg-`: a node's own place in an external network. */
export interface FgPort {
  readonly network: Name;
  readonly node: Name;
  readonly mac: MacAddress;
  readonly addresses: readonly InterfaceAddress[];
}

/** An outside address that is a port's, or reserved where it names none. */
export interface FloatingIp {
  readonly ip: IpAddress;
  readonly network: Name;
  readonly port?: Name;
  /** Absent: the port's first IPv4 address. */
  readonly fixedIp?: IpAddress;
  /** `distributed`: on the port's node where that has an uplink, else as `central`: on the router's SNAT node. */
  readonly placement: Placement;
}

export const placements = ['distributed', 'central'] as const;
export type Placement = (typeof placements)[number];

/** One port of an outside address, and the port of the cloud that answers there. */
export interface PortForwarding {
  readonly protocol: ForwardedProtocol;
  readonly externalPort: number;
  /** One without a port of its own; absent: the address of the router's gateway. */
  readonly floatingIp?: IpAddress;
  readonly port: Name;
  /** Absent: the port's first IPv4 address. */
  readonly fixedIp?: IpAddress;
  readonly internalPort: number;
}

export const forwardedProtocols = ['tcp', 'udp'] as const;
export type ForwardedProtocol = (typeof forwardedProtocols)[number];

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
  readonly gateway?: GatewayIntent;
  /** Done where its source NAT is. */
  readonly portForwardings: readonly PortForwarding[];
}

export interface Router extends RouterIntent {
  readonly interfaces: readonly RouterInterface[];
  /** Switched off: it has a copy nowhere. */
  readonly adminDown?: true;
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

export const makers = ['topology', 'attach', 'api'] as const;
export type MadeBy = (typeof makers)[number];

/** Who announced an address of its allowed pairs last. */
export interface AddressHolder {
  readonly network: Name;
  readonly ip: IpAddress;
  readonly port: Name;
  /** With which it was announced: the port's own, or the pair's. */
  readonly mac: MacAddress;
  /** Milliseconds since 1970. */
  readonly announcedAt: number;
}

/** As Attachment of node-view.ts: a namespace by path or process, or else the node's own device of that name. */
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
  /** Present: everything there is ready, or being made so, for the port to move. */
  readonly migration?: Migration;
}

/** Where a port is on its way to. */
export interface Migration {
  readonly to: Name;
  /** As that of the binding. */
  readonly boundAt: number;
  readonly attachment?: PortAttachment;
}

export interface Port extends PortIntent {
  readonly mac: MacAddress;
  /** Absent: the port exists, but no node forwards to it. */
  readonly binding?: Binding;
  /** Switched off: it is known nowhere, as if it were unbound. */
  readonly adminDown?: true;
  /** What attach made, detach deletes; what attach or the API made, a new topology file leaves alone. */
  readonly madeBy: MadeBy;
}
