/** Subnets: prefixes of networks, with a gateway and what may be given out of them. */
import {
  broadcastAddress,
  contains,
  familyOf,
  isHostAddress,
  networkAddress,
  overlaps,
  prefixBitsOf,
  prefixAround,
  withoutPrefix,
  type Cidr,
  type IpAddress,
} from '../../model/addresses.js';
import { MAX_SUBNETS_PER_NETWORK } from '../../model/limits.js';
import type { Port, Subnet } from '../../model/resources.js';
import { givenIps, SLAAC_PREFIX_BITS, slaacIps, type AdvertisedMode } from '../../model/slaac.js';
import { firstAddress, PREFIX_BITS } from '../../model/topology-networks.js';
import { routerIpsOf } from '../../model/topology-routers.js';
import type { Shown } from '../api/collection.js';
import type { Create } from '../api/attributes/tables.js';
import { invalidInput, NeutronFault } from '../api/faults.js';
import type { ControllerState, Intent } from '../intent.js';
import { requireMtus } from '../node-commands.js';
import { recordOf, withRecord, type ResourceRecord } from '../records.js';
import { subnetKey } from '../resource-index.js';
import { networkById, subnetOfRecord, withSubnets, type AnyNetwork, type KnownSubnet } from './places.js';
import { poolsOf, refuseGatewayInPools, wholeSubnet } from './subnet-pools.js';
import { commonOf, storedOf, wishOf, type Changes } from './resource.js';

/** What is kept for clients and changes no packet: VMs are configured by whoever attaches them. */
const kept = [
  'dns_nameservers',
  'host_routes',
  'enable_dhcp',
  'service_types',
  'ipv6_ra_mode',
  'ipv6_address_mode',
] as const;

export const subnetChanges: Changes<'subnets'> = {
  create: (intent, values, { id, at }) => {
    const home = networkById(intent, values.network_id);
    const cidr = cidrOf(values, home);
    const gatewayIp = gatewayOf(values.gateway_ip, cidr);
    const mode = advertisedMode(values, cidr);
    const subnet: Subnet = {
      cidr,
      ...(gatewayIp === undefined ? {} : { gatewayIp }),
      ...poolsOf(values.allocation_pools, cidr, gatewayIp),
      ...(mode === undefined ? {} : { ipv6: mode }),
    };
    if (home.network.subnets.length >= MAX_SUBNETS_PER_NETWORK)
      throw invalidInput(
        `network ${home.record.id} has ${MAX_SUBNETS_PER_NETWORK} subnets, which is all it can have`,
      );
    const next = withAutomaticIps(withSubnets(intent, home, [...home.network.subnets, subnet]), home);
    requireMtus(next.nodes, next.networks);
    const key = subnetKey(home.network.name, cidr);
    return withRecord(next, { kind: 'subnet', key }, wishOf(undefined, values, kept), at, id);
  },
  update: (intent, record, values, at) => {
    const { home, subnet } = subnetOfRecord(intent, record);
    const { gatewayIp: _gateway, pools: _pools, ...rest } = subnet;
    const gatewayIp =
      values.gateway_ip === undefined ? subnet.gatewayIp : gatewayOf(values.gateway_ip, subnet.cidr);
    if (gatewayIp !== subnet.gatewayIp) refuseGatewayChange(intent, home, subnet, gatewayIp);
    const pools =
      values.allocation_pools === undefined
        ? { ...(subnet.pools === undefined ? {} : { pools: subnet.pools }) }
        : poolsOf(values.allocation_pools, subnet.cidr, gatewayIp);
    refuseGatewayInPools(pools.pools, gatewayIp, subnet.cidr);
    const changed: Subnet = { ...rest, ...(gatewayIp === undefined ? {} : { gatewayIp }), ...pools };
    const subnets = home.network.subnets.map((one) => (one === subnet ? changed : one));
    return withRecord(withSubnets(intent, home, subnets), record, wishOf(record, values, kept), at);
  },
  remove: (intent, record) => {
    const found = subnetOfRecord(intent, record);
    refuseInUse(intent, found);
    const { home, subnet } = found;
    const next = withSubnets(
      intent,
      home,
      home.network.subnets.filter((one) => one !== subnet),
    );
    return withAutomaticIps(next, home, subnet);
  },
};

export function showSubnet({ intent }: ControllerState, record: ResourceRecord): Shown<'subnets'> {
  const { home, subnet } = subnetOfRecord(intent, record);
  const mode = subnet.ipv6 === 'stateful' ? 'dhcpv6-stateful' : (subnet.ipv6 ?? null);
  return {
    ...commonOf(record),
    network_id: home.record.id,
    ip_version: familyOf(subnet.cidr),
    cidr: subnet.cidr,
    gateway_ip: subnet.gatewayIp ?? null,
    allocation_pools: (subnet.pools ?? wholeSubnet(subnet)).map(({ first, last }) => ({
      start: first,
      end: last,
    })),
    dns_nameservers: storedOf(record, 'dns_nameservers', []),
    host_routes: storedOf(record, 'host_routes', []),
    enable_dhcp: storedOf(record, 'enable_dhcp', true),
    ipv6_ra_mode: storedOf(record, 'ipv6_ra_mode', mode),
    ipv6_address_mode: storedOf(record, 'ipv6_address_mode', mode),
    service_types: storedOf(record, 'service_types', []),
    subnetpool_id: null,
  };
}

function cidrOf(values: Create<'subnets'>, { record, network }: AnyNetwork): Cidr {
  const { cidr, ip_version: version } = values;
  if (cidr === undefined)
    throw new NeutronFault(
      'BadRequest',
      'Bad subnets request: a subnetpool must be specified in the absence of a cidr.',
    );
  if (familyOf(cidr) !== version)
    throw invalidInput(`cidr '${cidr}' does not match the ip_version '${version}'`);
  const { min, max } = PREFIX_BITS[familyOf(cidr)];
  const bits = prefixBitsOf(cidr);
  if (bits < min || bits > max)
    throw invalidInput(`a subnet of /${bits} is not taken; between /${min} and /${max} is`);
  if (!isHostAddress(networkAddress(cidr))) throw invalidInput(`${cidr} has no addresses a host may use`);
  const other = network.subnets.find((one) => overlaps(one.cidr, cidr));
  if (other !== undefined)
    throw invalidInput(
      `Requested subnet with cidr: ${cidr} for network: ${record.id} overlaps with another subnet: ` +
        `${other.cidr}`,
    );
  return cidr;
}

/** Absent: the first host, as files have it; null: none. */
function gatewayOf(wish: IpAddress | null | undefined, cidr: Cidr): IpAddress | undefined {
  if (wish === null) return undefined;
  const ip = wish ?? firstAddress(cidr);
  if (!contains(cidr, ip)) throw invalidInput(`Gateway ${ip} is not in subnet ${cidr}`);
  if (ip === networkAddress(cidr) || ip === broadcastAddress(cidr))
    throw invalidInput(
      `Gateway is not valid on subnet: ${ip} is the network or broadcast address of ${cidr}`,
    );
  return ip;
}

/** How routers advertise the prefix: the two modes must be one, as everywhere in Neutron. */
function advertisedMode(
  { ipv6_ra_mode: ra, ipv6_address_mode: address }: Create<'subnets'>,
  cidr: Cidr,
): AdvertisedMode | undefined {
  if (ra === null && address === null) return undefined;
  if (familyOf(cidr) === 4)
    throw invalidInput('ipv6_ra_mode or ipv6_address_mode cannot be set when ip_version is 4');
  if (ra !== null && address !== null && ra !== address)
    throw invalidInput(
      `ipv6_ra_mode set to '${ra}' with ipv6_address_mode set to '${address}' is not valid. If both ` +
        'attributes are set, they must be the same value',
    );
  // Without ra_mode some other router would advertise the prefix, and there is none.
  if (ra === null) return undefined;
  if (ra === 'dhcpv6-stateful') return 'stateful';
  if (prefixBitsOf(cidr) !== SLAAC_PREFIX_BITS)
    throw invalidInput(
      `Invalid CIDR ${cidr} for IPv6 address mode. OpenStack uses the EUI-64 address format, which ` +
        'requires the prefix to be /64',
    );
  return 'slaac';
}

function refuseGatewayChange(
  intent: Intent,
  { network, record }: AnyNetwork,
  subnet: Subnet,
  gatewayIp: IpAddress | undefined,
): void {
  const owners = routerIpsOf([...intent.routers.values()], network.name);
  const holder = subnet.gatewayIp === undefined ? undefined : owners.get(subnet.gatewayIp);
  if (holder !== undefined && gatewayIp !== undefined)
    throw new NeutronFault(
      'GatewayIpInUse',
      `Current gateway ip ${subnet.gatewayIp} already in use by port ` +
        `${recordOf(intent, 'router', holder)?.id ?? holder}. Unable to update.`,
    );
  const port =
    gatewayIp &&
    [...intent.ports.values()].find((one) => one.network === network.name && one.ips.includes(gatewayIp));
  if (port)
    throw new NeutronFault(
      'IpAddressAlreadyAllocated',
      `IP address ${gatewayIp} already allocated in subnet of network ${record.id}`,
    );
}

function refuseInUse(intent: Intent, { record, home, subnet }: KnownSubnet): void {
  const isHere = (ip: IpAddress): boolean => contains(subnet.cidr, ip);
  const { name } = home.network;
  const isAutomatic = subnet.ipv6 === 'slaac';
  const holds =
    [...intent.ports.values()].some(
      (port) => port.network === name && !isAutomatic && port.ips.some(isHere),
    ) ||
    [...intent.routers.values()].some(({ interfaces }) =>
      interfaces.some(
        (one) =>
          one.network === name && one.addresses.some((address) => prefixAround(address) === subnet.cidr),
      ),
    ) ||
    [...intent.gateways.values()].some(
      (one) => one.network === name && one.addresses.map(withoutPrefix).some(isHere),
    ) ||
    [...intent.floatingIps.values()].some((one) => one.network === name && isHere(one.ip));
  if (holds)
    throw new NeutronFault(
      'SubnetInUse',
      `Unable to complete operation on subnet ${record.id}: One or more ports have an IP allocation ` +
        'from this subnet.',
    );
}

/** Ports with the addresses that their hosts make themselves, now that the network's subnets are others. */
function withAutomaticIps(intent: Intent, { network, external }: AnyNetwork, gone?: Subnet): Intent {
  const now = intent.networks.get(network.name);
  if (external || now === undefined) return intent;
  const changed = [...intent.ports.values()].flatMap((port): [string, Port][] => {
    if (port.network !== network.name) return [];
    const left = port.ips.filter((ip) => gone === undefined || !contains(gone.cidr, ip));
    const ips = [...givenIps(left, now), ...slaacIps(now, port.mac)];
    return ips.join() === port.ips.join() ? [] : [[port.name, { ...port, ips }]];
  });
  return changed.length === 0 ? intent : { ...intent, ports: new Map([...intent.ports, ...changed]) };
}
