/** The devices `sg-` of routers with a gateway: one in each network, with an address in each of its subnets. */
import {
  contains,
  familyOf,
  parseIp,
  prefixAround,
  withPrefix,
  withoutPrefix,
  type InterfaceAddress,
  type IpAddress,
  type IpFamily,
} from '../model/addresses.js';
import { snatPortName } from '../model/device-names.js';
import { DvrError } from '../model/errors.js';
import { familiesOf } from '../model/external-ip.js';
import type { Name } from '../model/identifiers.js';
import { MAX_PORTS } from '../model/limits.js';
import type { Port, RouterIntent, RouterInterfaceIntent, SnatPort } from '../model/resources.js';
import { IpPool } from './allocators/ip.js';
import type { PortMacPool } from './allocators/port-mac.js';
import { externalNetworkOf, type WithGateway } from './external-pools.js';
import { byName, type Intent } from './intent.js';

interface OwnedIp {
  readonly network: Name;
  readonly ip: IpAddress;
  /** A name that no port can have. */
  readonly owner: string;
}

/** The addresses in tenants' networks that `sg-` devices have; of one network where it is named. */
export function snatIps(intent: Intent, only?: string): readonly OwnedIp[] {
  return [...intent.gateways.values()].flatMap(({ router, snatPorts }) =>
    snatPorts
      .filter(({ network }) => only === undefined || network === only)
      .flatMap(({ network, addresses }) =>
        addresses.map((address) => ({
          network,
          ip: withoutPrefix(address),
          owner: snatPortName(router, network),
        })),
      ),
  );
}

/** Those that will still be needed with the routers as they are to be. */
export function snatIpsBefore(
  intent: Intent,
  { routers }: { readonly routers: readonly RouterIntent[] },
): readonly OwnedIp[] {
  const needed = new Set(
    routers
      .filter(({ gateway }) => gateway !== undefined)
      .flatMap(({ id, interfaces }) => interfaces.map(({ network }) => snatPortName(id, network))),
  );
  return snatIps(intent).filter(({ owner }) => needed.has(owner));
}

/** By router. Addresses that ports have are theirs; the others stay what they were. @throws DvrError */
export function snatPortsOf(
  intent: Intent,
  routers: readonly WithGateway[],
  macs: PortMacPool,
): ReadonlyMap<string, readonly SnatPort[]> {
  const pools = tenantPools(intent, routers);
  const kept = new Set<string>();
  for (const { network, ip, owner } of snatIpsBefore(intent, { routers })) {
    const pool = pools.get(network);
    if (pool?.isFree(ip, owner) !== true) continue;
    pool.claim(ip, owner);
    kept.add(`${owner} ${ip}`);
  }
  const ports = new Map(
    routers.map((router) => {
      const families = familiesOf(externalNetworkOf(intent, router.gateway.network));
      const found = router.interfaces.map((one) => snatPort(intent, router, one, families, { macs, pools, kept }));
      return [router.id as string, found.filter(({ addresses }) => addresses.length > 0)];
    }),
  );
  const count = [...ports.values()].reduce((sum, { length }) => sum + length, 0);
  if (count + intent.ports.size > MAX_PORTS)
    throw new DvrError(
      'DVR_CONFLICT',
      `${intent.ports.size} ports and ${count} sg- devices of routers are more than the ${MAX_PORTS} there is room for`,
      'delete ports that are not used, or take gateways away',
    );
  return ports;
}

interface SnatPools {
  readonly macs: PortMacPool;
  readonly pools: ReadonlyMap<string, IpPool>;
  /** By owner and address. */
  readonly kept: ReadonlySet<string>;
}

/** Without an address where the outside speaks none of the interface's families. */
function snatPort(
  intent: Intent,
  router: WithGateway,
  { network, addresses }: RouterInterfaceIntent,
  families: readonly IpFamily[],
  { macs, pools, kept }: SnatPools,
): SnatPort {
  const owner = snatPortName(router.id, network);
  const before = intent.gateways.get(router.id)?.snatPorts.find((port) => port.network === network);
  const pool = pools.get(network);
  if (pool === undefined) throw new Error(`network ${network} has no address pool`);
  const own = addresses.filter((address) => families.includes(familyOf(withoutPrefix(address))));
  return {
    network,
    mac: before?.mac ?? macs.allocate(owner),
    addresses: own.map((address): InterfaceAddress => {
      const cidr = prefixAround(address);
      const ip = before?.addresses
        .map(withoutPrefix)
        .find((one) => contains(cidr, one) && kept.has(`${owner} ${one}`));
      return withPrefix(ip ?? pool.allocateIn(cidr, owner), cidr);
    }),
  };
}

/** The networks of the routers, with what their ports have in them. */
function tenantPools(intent: Intent, routers: readonly WithGateway[]): ReadonlyMap<string, IpPool> {
  const all = [...intent.routers.values()];
  const names = new Set<string>(routers.flatMap(({ interfaces }) => interfaces.map(({ network }) => network)));
  const pools = new Map(
    byName(intent.networks)
      .filter(({ name }) => names.has(name))
      .map((network) => [network.name as string, new IpPool(network, all)]),
  );
  for (const { name, network, ips } of intent.ports.values())
    for (const ip of ips) pools.get(network)?.hold(ip, name);
  for (const port of intent.ports.values()) avoidPairs(port, pools.get(port.network));
  return pools;
}

/** An address that ports share by allowed pairs is nobody's own, but somebody's. */
function avoidPairs({ allowedAddressPairs }: Port, pool: IpPool | undefined): void {
  for (const { ip } of allowedAddressPairs) {
    const shared = parseIp(ip);
    if (shared !== undefined && pool?.isFree(shared, pairOwner) === true) pool.claim(shared, pairOwner);
  }
}

const pairOwner = 'an allowed address pair';
