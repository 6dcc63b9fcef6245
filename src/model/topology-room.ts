/**
 * Whether what a file asks for fits into its subnets: told here by line, before anything is allocated. The
 * controller, which also knows what is in use, finds the same when it allocates.
 */
import {
  broadcastAddress,
  compareIps,
  contains,
  familyOf,
  hostNumber,
  networkAddress,
  prefixAround,
  sizeOf,
  withoutPrefix,
  type Cidr,
  type IpAddress,
} from './addresses.js';
import { familiesOf } from './external-ip.js';
import { MAX_SNAT_NODES } from './limits.js';
import type { Name } from './identifiers.js';
import type {
  AddressRange,
  ExternalNetworkIntent,
  ExternalSubnet,
  NetworkIntent,
  RouterIntent,
} from './resources.js';
import type { Topology } from './topology.js';
import { hasUplinkTo, isSnatCandidate } from './uplinks.js';
import type { YamlReader } from './yaml-reader.js';

type Wishes = Omit<Topology, 'wire' | 'underlay' | 'interopVteps' | 'outside'>;

export function refuseFullSubnets(reader: YamlReader, wishes: Wishes): void {
  for (const network of wishes.externalNetworks) refuseFullPool(reader, wishes, network);
  for (const network of wishes.networks) refuseFullNetwork(reader, wishes, network);
}

/** For gateways without an address of their own, and for the nodes that their routers will be on. */
function refuseFullPool(reader: YamlReader, wishes: Wishes, network: ExternalNetworkIntent): void {
  const routers = wishes.routers.filter(({ gateway }) => gateway?.network === network.name);
  const open = routers.filter(({ gateway }) => gateway?.ip === undefined || familyOf(gateway.ip) === 6);
  const [blamed] = [...routers, ...open].slice(-1);
  if (blamed === undefined || !familiesOf(network).includes(4)) return;
  const declared = [
    ...routers.flatMap(({ gateway }) => gateway?.ip ?? []),
    ...wishes.floatingIps.filter((one) => one.network === network.name).map(({ ip }) => ip),
  ];
  const free = network.subnets
    .filter(({ cidr }) => familyOf(cidr) === 4)
    .reduce((sum, subnet) => sum + freeInPool(subnet, declared), 0n);
  const nodes = nodesOutside(wishes, routers, network);
  if (free >= BigInt(open.length + nodes.length)) return;
  reader.fault(
    `routers.${blamed.id}.gateway`,
    `addresses left to give out in network ${network.name}: ${free}; needed: ${open.length} for ` +
      `gateways, ${nodes.length} for nodes (${nodes.join(', ')})`,
  );
}

function freeInPool({ cidr, gatewayIp, pools }: ExternalSubnet, declared: readonly IpAddress[]): bigint {
  const reserved = [networkAddress(cidr), broadcastAddress(cidr), gatewayIp, ...declared];
  if (pools === undefined) return freeIn(cidr, reserved);
  return pools.reduce((sum, pool) => sum + freeInRange(cidr, pool, reserved), 0n);
}

function freeInRange(
  cidr: Cidr,
  pool: AddressRange,
  reserved: readonly (IpAddress | undefined)[],
): bigint {
  const size = hostNumber(cidr, pool.last) - hostNumber(cidr, pool.first) + 1n;
  const inPool = reserved.filter(
    (ip) =>
      ip !== undefined &&
      contains(cidr, ip) &&
      compareIps(pool.first, ip) <= 0 &&
      compareIps(ip, pool.last) <= 0,
  );
  return size - BigInt(new Set(inPool).size);
}

function freeIn(cidr: Cidr, taken: readonly (IpAddress | undefined)[]): bigint {
  const inside = taken.filter((ip) => ip !== undefined && contains(cidr, ip));
  return sizeOf(cidr) - BigInt(new Set(inside).size);
}

/** The nodes that get an `fg-`: where declared ports are to be, and where source NAT is done or could be. */
function nodesOutside(
  { nodes, ports }: Wishes,
  routers: readonly RouterIntent[],
  { physicalNetwork }: ExternalNetworkIntent,
): readonly Name[] {
  const joined = new Set(routers.flatMap(({ interfaces }) => interfaces.map(({ network }) => network)));
  const wanted = new Set<Name | undefined>([
    ...ports.filter(({ network }) => joined.has(network)).map(({ node }) => node),
    ...routers.map(({ gateway }) => gateway?.node),
  ]);
  const plugged = nodes.filter((node) => hasUplinkTo(node, physicalNetwork));
  const networkNodes = nodes
    .filter((node) => isSnatCandidate(node, physicalNetwork))
    .map(({ name }) => name);
  // As many do it, or stand by, as may: whoever they will be.
  for (const name of [...networkNodes].sort()) {
    if (networkNodes.filter((one) => wanted.has(one)).length < MAX_SNAT_NODES) wanted.add(name);
  }
  return plugged.map(({ name }) => name).filter((name) => wanted.has(name));
}

/** A router with a gateway needs one address more in each of its subnets, for the device `sg-`. */
function refuseFullNetwork(reader: YamlReader, wishes: Wishes, network: NetworkIntent): void {
  const ports = wishes.ports.filter((port) => port.network === network.name);
  const open = ports.filter(({ ips }) => ips.length === 0);
  for (const { cidr, gatewayIp } of network.subnets) {
    const [blamed, ...others] = wishes.routers.filter((router) => hasSnatPort(wishes, router, network.name, cidr));
    if (blamed === undefined) continue;
    const free = freeIn(cidr, [
      networkAddress(cidr),
      broadcastAddress(cidr),
      gatewayIp,
      ...routerIps(wishes.routers, network.name),
      ...ports.flatMap(({ ips }) => ips),
    ]);
    // Ports without an address may have one in any subnet of the family; one alone they surely use.
    const isOnly = network.subnets.filter((one) => familyOf(one.cidr) === familyOf(cidr)).length === 1;
    const needed = 1 + others.length + (isOnly ? open.length : 0);
    if (free >= BigInt(needed)) continue;
    reader.fault(
      `routers.${(others.at(-1) ?? blamed).id}.gateway`,
      `addresses left in ${cidr} of network ${network.name}: ${free}; needed: ${needed}, ` +
        'one for the device sg- of each gateway and one for each port without an address',
    );
  }
}

function hasSnatPort(
  { externalNetworks }: Wishes,
  { gateway, interfaces }: RouterIntent,
  network: Name,
  cidr: Cidr,
): boolean {
  const external = externalNetworks.find(({ name }) => name === gateway?.network);
  if (external === undefined || !familiesOf(external).includes(familyOf(cidr))) return false;
  return interfaces.some(
    (one) => one.network === network && one.addresses.some((address) => prefixAround(address) === cidr),
  );
}

function routerIps(routers: readonly RouterIntent[], network: Name): readonly IpAddress[] {
  return routers
    .flatMap(({ interfaces }) => interfaces)
    .filter((one) => one.network === network)
    .flatMap(({ addresses }) => addresses.map(withoutPrefix));
}
