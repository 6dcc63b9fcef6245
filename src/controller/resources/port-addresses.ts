/** Which addresses a port has: those a client wishes, those it is given, and those hosts make themselves. */
import { contains, type IpAddress, type MacAddress } from '../../model/addresses.js';
import type { Network, Subnet } from '../../model/resources.js';
import { givenIps, slaacIps } from '../../model/slaac.js';
import { whyNotPortIp } from '../../model/port-ip.js';
import { routerIpsOf } from '../../model/topology-routers.js';
import type { IpPool } from '../allocators/ip.js';
import { invalidInput, NeutronFault } from '../api/faults.js';
import type { FixedIp } from '../api/values.js';
import { subnetById, type AnyNetwork } from './places.js';
import type { Intent } from '../intent.js';
import { recordOf } from '../records.js';
import { subnetKey } from '../resource-index.js';

export interface Owner {
  readonly name: string;
  readonly mac: MacAddress;
  /** What it has now. */
  readonly ips: readonly IpAddress[];
}

/**
 * The addresses of a port that asks for `wish`, claimed in `pool`; undefined asks for one of each family.
 * @throws NeutronFault InvalidIpForNetwork, InvalidIpForSubnet, IpAddressAlreadyAllocated, and what the pool throws.
 */
export function portIps(
  intent: Intent,
  network: Network,
  wish: readonly FixedIp[] | undefined,
  owner: Owner,
  pool: IpPool,
): readonly IpAddress[] {
  const automatic = slaacIps(network, owner.mac);
  const wanted =
    wish === undefined
      ? network.subnets.some(({ ipv6 }) => ipv6 !== 'slaac')
        ? pool.allocate(owner.name)
        : []
      : wishedIps(intent, network, wish, owner, pool);
  for (const ip of automatic) claim(pool, ip, owner.name, network);
  return [...new Set([...givenIps(wanted, network), ...automatic])];
}

/** Declared ones first, so that none of them is given out for another entry. */
function wishedIps(
  intent: Intent,
  network: Network,
  wish: readonly FixedIp[],
  owner: Owner,
  pool: IpPool,
): IpAddress[] {
  const found = new Map<FixedIp, IpAddress>();
  for (const entry of wish) {
    if (entry.ip_address === undefined) continue;
    refuseElsewhere(intent, network, entry);
    claim(pool, entry.ip_address, owner.name, network);
    found.set(entry, entry.ip_address);
  }
  for (const entry of wish) {
    if (entry.ip_address !== undefined || entry.subnet_id === undefined) continue;
    const { cidr, ipv6 } = subnetIn(intent, network, entry.subnet_id);
    if (ipv6 === 'slaac') continue;
    const kept = owner.ips.find((ip) => contains(cidr, ip) && ![...found.values()].includes(ip));
    if (kept !== undefined) claim(pool, kept, owner.name, network);
    found.set(entry, kept ?? pool.allocateIn(cidr, `port ${owner.name}`));
  }
  return wish.flatMap((entry) => found.get(entry) ?? []);
}

export function subnetIn(intent: Intent, network: { readonly name: string }, id: string): Subnet {
  const { home, subnet } = subnetById(intent, id);
  if (home.network.name !== network.name)
    throw invalidInput(
      `Failed to create port on network ${recordOf(intent, 'network', network.name)?.id}, because ` +
        `fixed_ips included invalid subnet ${id}`,
    );
  return subnet;
}

function refuseElsewhere(intent: Intent, network: Network, { subnet_id: id, ip_address: ip }: FixedIp): void {
  if (ip === undefined) return;
  if (id !== undefined && !contains(subnetIn(intent, network, id).cidr, ip))
    throw new NeutronFault(
      'InvalidIpForSubnet',
      `IP address ${ip} is not a valid IP for the specified subnet.`,
    );
  if (!network.subnets.some(({ cidr }) => contains(cidr, ip)))
    throw new NeutronFault(
      'InvalidIpForNetwork',
      `IP address ${ip} is not a valid IP for any of the subnets on the specified network.`,
    );
  const routerIps = routerIpsOf([...intent.routers.values()], network.name);
  if (routerIps.has(ip)) throw taken(ip, network);
  // A port may keep the gateway's address for the router that it will be the interface of.
  const isGateway = network.subnets.some(({ gatewayIp }) => gatewayIp === ip);
  if (!isGateway && whyNotPortIp(ip, network, routerIps) !== undefined)
    throw new NeutronFault(
      'InvalidIpForSubnet',
      `IP address ${ip} is not a valid IP for the specified subnet.`,
    );
}

/** @throws NeutronFault IpAddressAlreadyAllocated */
export function claim(pool: IpPool, ip: IpAddress, owner: string, network: Network): void {
  if ((pool.ownerOf(ip) ?? owner) !== owner) throw taken(ip, network);
  pool.hold(ip, owner);
}

function taken(ip: IpAddress, { name, subnets }: Network): NeutronFault {
  const subnet = subnets.find(({ cidr }) => contains(cidr, ip));
  return new NeutronFault(
    'IpAddressAlreadyAllocated',
    `IP address ${ip} already allocated in subnet ${subnet?.cidr ?? ''} of network ${name}`,
  );
}

/** As clients see addresses: each with its subnet's UUID. */
export function fixedIpsOf(intent: Intent, { record, network }: AnyNetwork, ips: readonly IpAddress[]) {
  return ips.flatMap((ip) => {
    const subnet = network.subnets.find(({ cidr }) => contains(cidr, ip));
    const id = subnet && recordOf(intent, 'subnet', subnetKey(record.key, subnet.cidr))?.id;
    return id === undefined ? [] : [{ subnet_id: id, ip_address: ip }];
  });
}
