/**
 * Turns the numbers of packets and rows back into the names people gave: MACs into ports, router
 * interfaces and DVR MACs; VTEPs into nodes; VNIs into networks; a node's port ids and local VLANs.
 * Made from the views of any number of nodes; each view knows only its node's part of the whole.
 */
import type { NodeIds } from '../model/node-call.js';
import type { NetworkView, NodeView, PortView, RouterInterfaceView } from '../model/node-view.js';

/** Whose a MAC is. */
export type MacOwner =
  | { readonly kind: 'port'; readonly port: PortView; readonly network: string }
  | { readonly kind: 'router'; readonly router: string; readonly network: string }
  | { readonly kind: 'dvr'; readonly node: string };

export interface Names {
  readonly networks: ReadonlyMap<string, NetworkView>;
  macOwner(mac: string): MacOwner | undefined;
  nodeOfVtep(ip: string): { readonly name: string; readonly interop: boolean; readonly dvrMac?: string } | undefined;
  networkOfVni(vni: number): NetworkView | undefined;
  /** The port with the address, in `network` when that is given. */
  portOfIp(ip: string, network?: string): { readonly port: PortView; readonly network: NetworkView } | undefined;
  /** The router interface with the address, in `network` when that is given. */
  routerOfIp(ip: string, network?: string): { readonly router: string; readonly network: string; readonly mac: string } | undefined;
  /** Tenants may use the same addresses, so a router is asked for its own. */
  isAddressOfRouter(ip: string, router: string): boolean;
}

export function namesOf(views: readonly NodeView[]): Names {
  const macs = new Map<string, MacOwner>();
  const vteps = new Map<string, { name: string; interop: boolean; dvrMac?: string }>();
  const networks = new Map<string, NetworkView>();
  for (const view of views) {
    for (const network of view.networks) networks.set(network.name, network);
    for (const node of [...view.peers, { ...view.node, interop: false }]) {
      vteps.set(node.vtepIp, node);
      if (node.dvrMac !== undefined) macs.set(node.dvrMac, { kind: 'dvr', node: node.name });
    }
  }
  for (const network of networks.values()) {
    for (const port of network.ports) macs.set(port.mac, { kind: 'port', port, network: network.name });
    for (const of of network.routerInterfaces) macs.set(of.mac, { kind: 'router', router: of.routerId, network: network.name });
  }
  const all = [...networks.values()];
  return {
    networks,
    macOwner: (mac) => macs.get(mac),
    nodeOfVtep: (ip) => vteps.get(ip),
    networkOfVni: (vni) => all.find((network) => network.vni === vni),
    portOfIp: (ip, name) => firstOf(all.filter((network) => name === undefined || network.name === name), (network) => {
      const port = network.ports.find((one) => one.ips.includes(ip));
      return port === undefined ? undefined : { port, network };
    }),
    routerOfIp: (ip, name) => firstOf(all.filter((network) => name === undefined || network.name === name), (network) => {
      const found = network.routerInterfaces.find((one) => hasAddress(one, ip));
      return found === undefined ? undefined : { router: found.routerId, network: network.name, mac: found.mac };
    }),
    isAddressOfRouter: (ip, router) => all.some((network) => network.routerInterfaces.some((one) => one.routerId === router && hasAddress(one, ip))),
  };
}

/** A MAC's owner in the seed's words: "vm1", "r1-red-mac", "DVR MAC of cn1". */
export function macName(names: Names, mac: string): string | undefined {
  const owner = names.macOwner(mac);
  if (owner === undefined) return mac === 'ff:ff:ff:ff:ff:ff' ? 'broadcast' : undefined;
  if (owner.kind === 'port') return owner.port.name;
  return owner.kind === 'router' ? `${owner.router}-${owner.network}-mac` : `DVR MAC of ${owner.node}`;
}

/** The value with its name in brackets, where it has one: "2 (green)". */
export const named = (value: string | number, name: string | undefined): string => (name === undefined ? `${value}` : `${value} (${name})`);

export const kTunnelPort = 1;
const fixedPorts: Readonly<Record<number, string>> = { 1: 'tunnel', 2: 'mirror br-int', 3: 'mirror br-tun' };

export function portName(ids: NodeIds, id: number): string | undefined {
  return ids.ports.find((port) => port.id === id)?.name ?? fixedPorts[id];
}

export function localVlanName(ids: NodeIds, localVlan: number): string | undefined {
  return ids.localVlans.find((one) => one.localVlan === localVlan)?.network;
}

const hasAddress = ({ addresses }: RouterInterfaceView, ip: string): boolean => addresses.some((address) => address.split('/')[0] === ip);

function firstOf<T, R>(items: readonly T[], find: (item: T) => R | undefined): R | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}
