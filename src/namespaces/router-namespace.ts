/**
 * What a router namespace holds, as pure data: devices, sysctls, permanent neighbours, static routes.
 * Seed steps EW2 ("the router namespace's ARP table is populated by the l3 agent") and EW3. Comes from
 * the node's view; scripts.ts builds it; l3-agent.ts asks what differs.
 *
 * The same router has the same contents on every node that has a copy, so the kernel there routes as
 * here. Neighbours are complete and permanent: a copy must never have to ask who has an address, because
 * its question would carry the shared gateway MAC (dvr_process) to nodes that use the same MAC.
 */
import { createHash } from 'node:crypto';
import {
  contains, parseCidr, parseIp, withoutPrefix, type Cidr, type InterfaceAddress, type IpAddress,
} from '../model/addresses.js';
import type { NetworkView, NodeView, PortView, RouterView } from '../model/node-view.js';

export interface RouterDevice {
  readonly name: string;
  readonly network: string;
  readonly mac: string;
  readonly addresses: readonly string[];
  readonly mtuBytes: number;
  /** Off where the router has no IPv6 address: then the device joins no groups and asks nobody. */
  readonly ipv6: boolean;
}
export interface Neighbour { readonly device: string; readonly ip: string; readonly mac: string }
export interface RouterRoute { readonly destination: string; readonly via: string }

export interface RouterNamespace {
  readonly routerId: string;
  readonly name: string;
  readonly sysctls: readonly string[];
  readonly devices: readonly RouterDevice[];
  readonly neighbours: readonly Neighbour[];
  readonly routes: readonly RouterRoute[];
}

/** IFNAMSIZ without the closing zero. */
const kMaxDeviceNameLength = 15;

/**
 * Paths below /proc/sys, set before any device comes in (a device copies `default` at that moment).
 * The kernel ORs `all` and the device for send_redirects, so both must be off.
 */
export const routerSysctls: readonly string[] = [
  'net/ipv4/ip_forward=1',
  'net/ipv4/conf/default/send_redirects=0',
  'net/ipv4/conf/all/send_redirects=0',
  // An address is answered for by its own device, and asked for with an address of that device.
  'net/ipv4/conf/all/arp_ignore=1',
  'net/ipv4/conf/all/arp_announce=2',
  // Traffic is routed on the sender's node, so a copy sees one direction of it only.
  'net/ipv4/conf/default/rp_filter=0',
  'net/ipv4/conf/all/rp_filter=0',
  'net/ipv4/conf/all/promote_secondaries=1',
  'net/ipv6/conf/default/addr_gen_mode=0',
  'net/ipv6/conf/default/accept_ra=0',
  'net/ipv6/conf/all/accept_ra=0',
  // The same address lives on every node on purpose: it is no duplicate.
  'net/ipv6/conf/default/accept_dad=0',
  'net/ipv6/conf/all/accept_dad=0',
  'net/ipv6/conf/default/dad_transmits=0',
  'net/ipv6/conf/default/router_solicitations=0',
  'net/ipv6/conf/default/forwarding=1',
  'net/ipv6/conf/all/forwarding=1',
  // What is not permanent (a host's link-local address) is trusted longer than 30 s: fewer probes.
  'net/ipv4/neigh/default/base_reachable_time_ms=300000',
  'net/ipv6/neigh/default/base_reachable_time_ms=300000',
];

export const routerNamespaceName = (routerId: string): string => `qrouter-${routerId}`;

/** `qr-<network>`; a name too long for the kernel is shortened to a hash, the same on every node. */
export function routerDeviceName(network: string): string {
  const name = `qr-${network}`;
  if (name.length <= kMaxDeviceNameLength && /^[A-Za-z0-9_-]+$/.test(name)) return name;
  return `qr-${createHash('sha256').update(network).digest('hex').slice(0, 11)}`;
}

/** Everything the router's namespace on this node is to hold. */
export function routerNamespace(router: RouterView, view: NodeView): RouterNamespace {
  const devices: RouterDevice[] = [];
  const neighbours: Neighbour[] = [];
  for (const { network: name, mac, addresses } of router.interfaces) {
    const network = view.networks.find((candidate) => candidate.name === name);
    if (network === undefined) continue;
    const device = routerDeviceName(name);
    const ipv6 = addresses.some((address) => address.includes(':'));
    devices.push({ name: device, network: name, mac, addresses, mtuBytes: network.mtuBytes, ipv6 });
    neighbours.push(...neighboursOn(device, network, addresses));
  }
  return {
    routerId: router.id, name: routerNamespaceName(router.id), sysctls: routerSysctls,
    devices, neighbours, routes: router.routes,
  };
}

/**
 * One neighbour for each address that a bound port of the network has in the interface's subnets.
 * Where two ports claim an address its fixed owner wins, then the first by name: never the last writer.
 */
function neighboursOn(device: string, network: NetworkView, addresses: readonly string[]): Neighbour[] {
  const own = new Set(addresses.map((address) => withoutPrefix(address as InterfaceAddress)));
  const subnets = addresses.map(subnetOf).filter((cidr) => cidr !== undefined);
  const found = new Map<string, Neighbour>();
  const add = (ip: string, mac: string): void => {
    const parsed = parseIp(ip);
    if (parsed === undefined || own.has(parsed) || found.has(parsed)) return;
    if (subnets.some((subnet) => contains(subnet, parsed))) found.set(parsed, { device, ip: parsed, mac });
  };
  const bound = network.ports.filter((port) => port.node !== undefined);
  for (const port of bound) for (const ip of port.ips) add(ip, port.mac);
  const pairs = bound.toSorted(byName).flatMap(({ allowedAddressPairs }) => allowedAddressPairs);
  for (const { ip, mac } of pairs) {
    const single = singleAddress(ip);
    if (single !== undefined) add(single, mac);
  }
  return [...found.values()];
}

/** The address of a pair that names one; a CIDR names none that anybody could be asked for. */
export function singleAddress(pair: string): IpAddress | undefined {
  const [ip = '', bits] = pair.split('/');
  const parsed = parseIp(ip);
  if (parsed === undefined) return undefined;
  return bits === undefined || Number(bits) === (parsed.includes(':') ? 128 : 32) ? parsed : undefined;
}

function subnetOf(address: string): Cidr | undefined {
  const parsed = parseCidr(address);
  return parsed.kind === 'malformed' ? undefined : parsed.cidr;
}

const byName = (left: PortView, right: PortView): number => (left.name < right.name ? -1 : 1);

/**
 * The `ip -batch` lines that turn the permanent neighbours `before` into `after`. Adds and changes come
 * first; a delete is only for an address nobody has any more, because the kernel's delete ignores the MAC
 * and would take a new owner's entry with it.
 */
export function neighbourCommands(before: readonly Neighbour[], after: readonly Neighbour[]): string[] {
  const keyOf = ({ device, ip }: Neighbour): string => `${device} ${ip}`;
  const old = new Map(before.map((neighbour) => [keyOf(neighbour), neighbour]));
  const wanted = new Set(after.map(keyOf));
  const changed = after.filter((neighbour) => old.get(keyOf(neighbour))?.mac !== neighbour.mac);
  const gone = before.filter((neighbour) => !wanted.has(keyOf(neighbour)));
  return [
    ...changed.map(({ device, ip, mac }) => `neigh replace ${ip} lladdr ${mac} dev ${device} nud permanent`),
    ...gone.map(({ device, ip, mac }) => `neigh del ${ip} lladdr ${mac} dev ${device}`),
  ];
}

/** The protocol number that marks routes and rules as ours, so that a user's own stay untouched. */
export const kRouteProtocol = 200;

/** Tables of ours in a router namespace, as "inet NAME": what else is there, somebody has put in by hand. */
export const ownNftTables: readonly string[] = [];

/** The `ip -batch` lines that turn our static routes `before` into `after`. */
export function routeCommands(before: readonly RouterRoute[], after: readonly RouterRoute[]): string[] {
  const old = new Map(before.map(({ destination, via }) => [destination, via]));
  const wanted = new Set(after.map(({ destination }) => destination));
  const line = (verb: string, { destination, via }: RouterRoute): string =>
    `route ${verb} ${destination} via ${via} proto ${String(kRouteProtocol)}`;
  const changed = after.filter(({ destination, via }) => old.get(destination) !== via);
  return [
    ...changed.map((route) => line('replace', route)),
    ...before.filter(({ destination }) => !wanted.has(destination)).map((route) => line('del', route)),
  ];
}
