/**
 * Turns the numbers of packets and rows back into the names people gave: MACs into ports, router
 * interfaces and DVR MACs; VTEPs into nodes; VNIs into networks; a node's port ids and local VLANs.
 * Made from the views of any number of nodes; each view knows only its node's part of the whole.
 */
import { isInCidr } from '../model/addresses.js';
import { fipDeviceName, gatewayDeviceName } from '../model/device-names.js';
import type { NodeIds } from '../model/node-call.js';
import type {
  NetworkView, NodeView, PeerView, PortView, RouterInterfaceView,
} from '../model/node-view.js';
import { entranceOf, outsideAddresses, type OutsideAddress } from './outside-addresses.js';

/** Whose a MAC is. */
export type MacOwner =
  | { readonly kind: 'port'; readonly port: PortView; readonly network: string }
  | { readonly kind: 'router'; readonly router: string; readonly network: string }
  /** A namespace's device on br-ex: "qg-ext of r1", "fg-ext of cn1". */
  | { readonly kind: 'external'; readonly name: string; readonly network: string }
  | { readonly kind: 'dvr'; readonly node: string };

/** A node, or a foreign VTEP marked interop, as any view knows it. */
export type KnownNode = Pick<PeerView, 'name' | 'vtepIp' | 'interop' | 'dvrMac'>;

export interface RouterAddress {
  readonly router: string; readonly network: string; readonly mac: string;
}

export interface Names {
  readonly networks: ReadonlyMap<string, NetworkView>;
  node(name: string | undefined): KnownNode | undefined;
  nodeOfVtep(ip: string): KnownNode | undefined;
  macOwner(mac: string): MacOwner | undefined;
  networkOfVni(vni: number): NetworkView | undefined;
  /** The port with the address, in `network` when that is given. */
  portOfIp(ip: string, network?: string): PortView | undefined;
  /** The router interface with the address, in `network` when that is given. */
  routerOfIp(ip: string, network?: string): RouterAddress | undefined;
  /** Tenants may use the same addresses, so a router is asked for its own. */
  isAddressOfRouter(ip: string, router: string): boolean;
  /** Whether the router is in the address's subnet and no bound port has it: then nobody is its neighbour. */
  isVacant(ip: string, router: string): boolean;
  /** Whether the address is in no tenant network: what is sent to it leaves the cloud, or comes back by NAT. */
  isOutside(ip: string): boolean;
  /** What of this cloud has an outside address. */
  outsideAddress(ip: string): OutsideAddress | undefined;
  /** By what of this cloud packets for a port's own address come in from outside, where nothing is translated. */
  entranceOf(ip: string): OutsideAddress | undefined;
}

export function namesOf(views: readonly NodeView[]): Names {
  const nodes = views.flatMap((view): KnownNode[] => [
    ...view.peers, { ...view.node, interop: false },
  ]);
  const networks = new Map(views.flatMap((view) => view.networks.map((one) => [one.name, one])));
  const outside = outsideAddresses(views);
  const macs = new Map([...externalOwners(views), ...macOwners(nodes, [...networks.values()])]);
  const within = (name: string | undefined): NetworkView[] =>
    [...networks.values()].filter((network) => name === undefined || network.name === name);
  const interfaces = within(undefined).flatMap(({ name, routerInterfaces }) =>
    routerInterfaces.map((one) => ({ ...one, network: name })));
  return {
    networks,
    node: (name) => nodes.find((node) => node.name === name),
    nodeOfVtep: (ip) => nodes.find((node) => node.vtepIp === ip),
    macOwner: (mac) => macs.get(mac),
    networkOfVni: (vni) => within(undefined).find((network) => network.vni === vni),
    portOfIp: (ip, name) => within(name).flatMap(({ ports }) => ports).find(({ ips }) => ips.includes(ip)),
    routerOfIp: (ip, name) => {
      const found = interfaces.find((one) =>
        hasAddress(one, ip) && (name === undefined || one.network === name));
      return found && { router: found.routerId, network: found.network, mac: found.mac };
    },
    isAddressOfRouter: (ip, router) =>
      interfaces.some((one) => one.routerId === router && hasAddress(one, ip)),
    isVacant: (ip, router) => {
      const near = within(undefined).filter(({ routerInterfaces }) => routerInterfaces.some((one) =>
        one.routerId === router && one.addresses.some((address) => isInCidr(ip, address))));
      return near.length > 0 && !near.some((network) => isTaken(network, ip));
    },
    isOutside: (ip) => !within(undefined).some(({ subnets }) => subnets.some(({ cidr }) => isInCidr(ip, cidr))),
    outsideAddress: (ip) => outside.get(ip),
    entranceOf: (ip) => entranceOf(views, ip),
  };
}

function externalOwners(views: readonly NodeView[]): (readonly [string, MacOwner])[] {
  return views.flatMap(({ node, routers, externalNetworks = [] }) => [
    ...routers.flatMap(({ id, gateway }) => (gateway === undefined ? [] : [
      [gateway.mac, { kind: 'external', name: `${gatewayDeviceName(gateway.network)} of ${id}`, network: gateway.network }] as const,
    ])),
    ...externalNetworks.flatMap(({ name, fg }) => (fg === undefined ? [] : [
      [fg.mac, { kind: 'external', name: `${fipDeviceName(name)} of ${node.name}`, network: name }] as const,
    ])),
  ]);
}

function macOwners(
  nodes: readonly KnownNode[], networks: readonly NetworkView[],
): ReadonlyMap<string, MacOwner> {
  const macs = new Map<string, MacOwner>();
  for (const { name, dvrMac } of nodes) {
    if (dvrMac !== undefined) macs.set(dvrMac, { kind: 'dvr', node: name });
  }
  for (const { name: network, ports, routerInterfaces } of networks) {
    for (const port of ports) macs.set(port.mac, { kind: 'port', port, network });
    for (const { mac, routerId: router } of routerInterfaces) {
      macs.set(mac, { kind: 'router', router, network });
    }
  }
  return macs;
}

/** A MAC's owner in the seed's words: "vm1", "r1-red-mac", "DVR MAC of cn1". */
export function macName(names: Names, mac: string): string | undefined {
  const owner = names.macOwner(mac);
  if (owner === undefined) return mac === 'ff:ff:ff:ff:ff:ff' ? 'broadcast' : undefined;
  if (owner.kind === 'port') return owner.port.name;
  if (owner.kind === 'external') return owner.name;
  return owner.kind === 'router'
    ? `${owner.router}-${owner.network}-mac`
    : `DVR MAC of ${owner.node}`;
}

/** The value with its name in brackets, where it has one: "2 (green)". */
export function named(value: string | number, name: string | undefined): string {
  return name === undefined ? `${value}` : `${value} (${name})`;
}

export const kTunnelPort = 1;
const fixedPorts: Readonly<Record<number, string>> = {
  1: 'tunnel', 2: 'mirror br-int', 3: 'mirror br-tun', 4: 'mirror br-ex',
};

export function portName(ids: NodeIds, id: number): string | undefined {
  return ids.ports.find((port) => port.id === id)?.name ?? fixedPorts[id];
}

export function routerName({ routerNumbers }: NodeIds, number: number): string | undefined {
  return routerNumbers.find((one) => one.number === number)?.router;
}

export function localVlanName(ids: NodeIds, localVlan: number): string | undefined {
  return ids.localVlans.find((one) => one.localVlan === localVlan)?.network;
}

/** A router's own address, or one with a neighbour entry: a port's, or that of a pair which names only one. */
function isTaken({ ports, routerInterfaces }: NetworkView, ip: string): boolean {
  const single = [ip, `${ip}/32`, `${ip}/128`];
  return routerInterfaces.some((one) => hasAddress(one, ip))
    || ports.some(({ ips, allowedAddressPairs }) =>
      ips.includes(ip) || allowedAddressPairs.some((pair) => single.includes(pair.ip)));
}

function hasAddress({ addresses }: RouterInterfaceView, ip: string): boolean {
  return addresses.some((address) => address.split('/')[0] === ip);
}
