/**
 * What a router namespace holds: devices, permanent neighbours, static routes, and the rules by which it
 * sends out what no route of its own leads to. Seed steps EW2, EW3, NS2, NS3 and NS8. Pure, from the node's view.
 *
 * The same router routes alike on every node that has a copy. What differs is the way out: on the node
 * with the SNAT namespace the address of `sg-` has its own MAC, elsewhere (unless the path is `direct`) the
 * router's own, so that the frame goes to the copy there; and floating IPs are on their port's node alone.
 *
 *   0      local, 32766 main: tenant subnets (unreachable where the device is gone), extra routes
 *   40000  from a fixed address with a floating IP here: by rfp    (table 16)
 *   40001  what the router itself has to say to the world: by rfp
 *   50000  from a tenant subnet: by the address of sg- in it, out of the device it came in by
 */
import { createHash } from 'node:crypto';
import { contains, familyOf, prefixAround, withoutPrefix, type InterfaceAddress, type IpAddress } from '../model/addresses.js';
import { routerDeviceName, routerPortName } from '../model/device-names.js';
import type { FloatingIpView, GatewayView, NodeView, RouterView } from '../model/node-view.js';
import { endDevice, endNeighbour, fipLink, type FipLink } from './fip-link.js';
import { fipNamespaceName, routerNamespaceName } from './names.js';
import {
  namespaceSysctls, unreachable, type Namespace, type NamespaceDevice, type Neighbour, type Route, type Rule,
} from './namespace.js';
import { routerTable } from './nft.js';
import { routesOutside } from './outside-network.js';
import { subnetsOf, tenantNeighbours } from './tenant-neighbours.js';

const kFipPriority = 40_000;
const kOwnPriority = 40_001;
const kSnatPriority = 50_000;
const kFipTable = 16;
/** Above the numbers that have a meaning already. */
const kFirstHashed = 1 << 16;

/** A packet that is late after a window that has moved on is no forgery. */
const routerSysctls = [...namespaceSysctls, 'net/netfilter/nf_conntrack_tcp_be_liberal=1'];

type Interface = RouterView['interfaces'][number];

/**
 * Everything the router's namespace on this node is to hold.
 * @param number the router's on this node; without one there is no link to a FIP namespace.
 */
export function routerNamespace(router: RouterView, view: NodeView, number?: number): Namespace {
  const interfaces = router.interfaces.filter(({ network }) => view.networks.some(({ name }) => name === network));
  const fip = fipPart(router, view, number);
  return {
    name: routerNamespaceName(router.id), sysctls: routerSysctls,
    devices: [...interfaces.map((one) => tenantDevice(router, one, view)), ...fip.devices],
    neighbours: [...interfaces.flatMap((one) => neighboursOf(router, one, view)), ...fip.neighbours],
    routes: [
      ...subnetsOf(router.interfaces).map(unreachable), ...ownRoutes(router, view),
      ...redirects(router, interfaces).map(({ route }) => route), ...fip.routes,
    ],
    rules: [...redirects(router, interfaces).map(({ rule }) => rule), ...fip.rules],
    ...(fip.nft === undefined ? {} : { nft: fip.nft }),
    announced: [],
  };
}

function tenantDevice({ id }: RouterView, { network, mac, addresses }: Interface, view: NodeView): NamespaceDevice {
  const mtuBytes = view.networks.find(({ name }) => name === network)?.mtuBytes ?? 0;
  const ipv6 = addresses.some((address) => address.includes(':'));
  const from = { tap: routerPortName(id, network) };
  return { name: routerDeviceName(network), from, mac, addresses, mtuBytes, ipv6, onlink: true, sysctls: [] };
}

function neighboursOf({ gateway }: RouterView, { network: name, mac, addresses }: Interface, view: NodeView): readonly Neighbour[] {
  const network = view.networks.find((candidate) => candidate.name === name);
  if (network === undefined) return [];
  const device = routerDeviceName(name);
  const known = tenantNeighbours(device, network, addresses);
  const sg = gateway && sgOf(gateway, name);
  if (gateway === undefined || sg === undefined) return known;
  const isByRouter = gateway.snatPath === 'router' && gateway.node !== view.node.name;
  const own = new Set<string>(sg.ips);
  return [
    ...known.filter(({ ip }) => !own.has(ip)),
    ...sg.ips.map((ip) => ({ device, ip, mac: isByRouter ? mac : sg.mac })),
  ];
}

function sgOf({ snatPorts }: GatewayView, network: string): { readonly mac: string; readonly ips: IpAddress[] } | undefined {
  const found = snatPorts.find((port) => port.network === network);
  return found && { mac: found.mac, ips: found.addresses.map((address) => withoutPrefix(address as InterfaceAddress)) };
}

/** A next hop in the external network is for the namespaces that have a device there: it is out by the rules. */
function ownRoutes(router: RouterView, view: NodeView): Route[] {
  const outside = new Set(routesOutside(router, view));
  return router.routes.map((route) => ({
    destination: route.destination, ...(outside.has(route) ? { type: 'throw' } : { via: route.via }),
  }));
}

/** NS2: from a tenant subnet, to the address of `sg-` in the same subnet, by the device that it came in by. */
function redirects({ gateway }: RouterView, interfaces: readonly Interface[]): { readonly rule: Rule; readonly route: Route }[] {
  if (gateway === undefined) return [];
  return interfaces.flatMap(({ network, addresses }) => addresses.flatMap((address) => {
    const subnet = prefixAround(address as InterfaceAddress);
    const via = sgOf(gateway, network)?.ips.find((ip) => contains(subnet, ip));
    if (via === undefined) return [];
    const table = tableOf(withoutPrefix(address as InterfaceAddress));
    const destination = familyOf(via) === 4 ? '0.0.0.0/0' : '::/0';
    return [{
      rule: { priority: kSnatPriority, table, from: subnet },
      route: { destination, via, device: routerDeviceName(network), table },
    }];
  }));
}

/** A subnet's table is the router's address in it, as a number; a hash of it where that is too long. */
function tableOf(ip: IpAddress): number {
  if (familyOf(ip) === 4) return ip.split('.').reduce((number, byte) => number * 256 + Number(byte), 0);
  return (createHash('sha256').update(ip).digest().readUInt32BE() | kFirstHashed) >>> 0;
}

type FipPart = Pick<Namespace, 'devices' | 'neighbours' | 'routes' | 'rules' | 'nft'>;
const kNoFips: FipPart = { devices: [], neighbours: [], routes: [], rules: [] };

/** The link to the FIP namespace, and what leaves by it. */
function fipPart(router: RouterView, view: NodeView, number: number | undefined): FipPart {
  const network = view.externalNetworks?.find(({ name }) => name === router.gateway?.network);
  if (network?.fg === undefined || network.uplink === undefined || number === undefined) return kNoFips;
  const link = fipLink(router.id, number);
  const { rfp, fpr } = link;
  const device = endDevice(rfp, fpr, fipNamespaceName(network.name), network.mtuBytes);
  const linked = { ...kNoFips, devices: [device], neighbours: [endNeighbour(rfp, fpr)] };
  const fips = distributedFips(router);
  return fips.length === 0 ? linked : { ...linked, ...translated(link, fips) };
}

function translated({ rfp, fpr }: FipLink, fips: readonly FloatingIpView[]): Pick<FipPart, 'routes' | 'rules' | 'nft'> {
  const fixed = new Set(fips.map(({ fixedIp }) => fixedIp));
  return {
    routes: [{ destination: '0.0.0.0/0', via: fpr.ip, device: rfp.device, table: kFipTable }],
    rules: [
      ...[...fixed].map((from): Rule => ({ priority: kFipPriority, table: kFipTable, from: `${from}/32` })),
      { priority: kOwnPriority, table: kFipTable, iif: 'lo' },
    ],
    nft: routerTable(rfp.device, fips.map(({ ip, fixedIp }) => ({ ip, fixedIp }))),
  };
}

/** Those that this node translates in the router's own namespace. */
export const distributedFips = ({ floatingIps = [] }: RouterView): readonly FloatingIpView[] =>
  floatingIps.filter(({ placement }) => placement === 'distributed');
