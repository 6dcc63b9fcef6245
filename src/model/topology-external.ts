/** The section `external_networks`: what lies outside the cloud, and by which wire it is reached. */
import {
  broadcastAddress,
  compareIps,
  contains,
  networkAddress,
  nthHost,
  overlaps,
  sizeOf,
  type Cidr,
  type IpAddress,
} from './addresses.js';
import { ipFromText } from './address-text.js';
import type { Name } from './identifiers.js';
import {
  DEFAULT_MTU_BYTES,
  MAX_EXTERNAL_NETWORKS,
  MAX_MTU_BYTES,
  MAX_NETWORKS,
  MAX_PROVIDER_VLAN,
  MAX_SUBNETS_PER_NETWORK,
  MIN_MTU_BYTES,
} from './limits.js';
import type {
  AddressRange,
  ExternalNetworkIntent,
  ExternalSubnet,
  NodeIntent,
} from './resources.js';
import { firstAddress, isUsable, requireIpv6Mtu } from './topology-networks.js';
import { claim, readCidr, readIp } from './topology-values.js';
import { hasUplinkTo } from './uplinks.js';
import type { Value, YamlReader } from './yaml-reader.js';

export interface ExternalNetworks {
  readonly externalNetworks: readonly ExternalNetworkIntent[];
  /** All that were declared, faulty ones too, so that one fault is not told twice. */
  readonly names: ReadonlySet<Name>;
  /** Who declared an address, by network and address. */
  readonly taken: Map<string, string>;
}

const keys = ['physical_network', 'vlan', 'mtu', 'subnets'] as const;

/** `tenantNames` are the networks': a node has a local VLAN for either kind, and one name for it. */
export function readExternalNetworks(
  reader: YamlReader,
  value: Value | undefined,
  nodes: readonly NodeIntent[],
  tenantNames: ReadonlySet<Name>,
): ExternalNetworks {
  const entries = reader.named(value, MAX_EXTERNAL_NETWORKS);
  const names = new Map<string, string>([...tenantNames].map((name) => [name, `networks.${name}`]));
  const vlans = new Map<string, string>();
  const externalNetworks: ExternalNetworkIntent[] = [];
  for (const [name, entry] of entries) {
    claim(reader, names, name, entry.path, `the name ${name}`);
    const values = reader.fields(entry, keys, ['physical_network', 'subnets'])?.values;
    if (values?.physical_network === undefined) continue;
    const physicalNetwork = readPhysicalNetwork(reader, values.physical_network, nodes);
    const vlan =
      values.vlan === undefined ? undefined : reader.integer(values.vlan, 1, MAX_PROVIDER_VLAN);
    const subnets = readSubnets(reader, values.subnets);
    const mtuBytes = readMtu(reader, values.mtu, subnets);
    if (physicalNetwork === undefined) continue;
    const wire = vlan === undefined ? 'untagged' : `VLAN ${vlan}`;
    const what = `${wire} on ${physicalNetwork}`;
    claim(reader, vlans, what, values.vlan?.path ?? entry.path, what);
    externalNetworks.push({
      name,
      physicalNetwork,
      mtuBytes,
      subnets,
      ...(vlan === undefined ? {} : { vlan }),
    });
  }
  const count = entries.length + tenantNames.size;
  if (count > MAX_NETWORKS)
    reader.fault(
      'external_networks',
      `with the networks they are ${count}; at most ${MAX_NETWORKS} are taken`,
    );
  return { externalNetworks, names: new Set(entries.map(([name]) => name)), taken: new Map() };
}

function readPhysicalNetwork(
  reader: YamlReader,
  value: Value,
  nodes: readonly NodeIntent[],
): Name | undefined {
  const name = reader.name(value);
  if (name === undefined || reader.isFaulty('nodes')) return name;
  if (nodes.some((node) => hasUplinkTo(node, name))) return name;
  return reader.fault(
    value.path,
    `no node has an uplink to ${name}; give one, like provider: { ${name}: eth1 }`,
  );
}

function readSubnets(reader: YamlReader, value: Value | undefined): readonly ExternalSubnet[] {
  const subnets: ExternalSubnet[] = [];
  const items = reader.list(value, MAX_SUBNETS_PER_NETWORK);
  if (value !== undefined && items.length === 0 && !reader.isFaulty(value.path))
    reader.fault(value.path, 'names no subnet; routers need an address to be found at');
  for (const item of items) {
    const values = reader.fields(item, ['cidr', 'gateway', 'pool'], ['cidr'])?.values;
    const cidr = values?.cidr === undefined ? undefined : readCidr(reader, values.cidr);
    if (cidr === undefined || values === undefined || !isUsable(reader, item.path, cidr)) continue;
    const other = subnets.find((earlier) => overlaps(earlier.cidr, cidr));
    if (other !== undefined) {
      reader.fault(item.path, `${cidr} overlaps ${other.cidr} of the same network`);
      continue;
    }
    const gatewayIp = readUpstream(reader, values.gateway, cidr);
    const pool = values.pool === undefined ? undefined : readPool(reader, values.pool, cidr);
    subnets.push({ cidr, gatewayIp, ...(pool === undefined ? {} : { pools: [pool] }) });
  }
  return subnets;
}

/** The upstream's address, where routers send what is for the world. */
function readUpstream(reader: YamlReader, value: Value | undefined, cidr: Cidr): IpAddress {
  const ip = value === undefined ? undefined : readIp(reader, value);
  if (value === undefined || ip === undefined) return firstAddress(cidr);
  if (!contains(cidr, ip)) reader.fault(value.path, `${ip} is outside ${cidr}`);
  else if (ip === networkAddress(cidr) || ip === broadcastAddress(cidr))
    reader.fault(value.path, `${ip} is the network or broadcast address of ${cidr}`);
  return ip;
}

function readPool(reader: YamlReader, value: Value, cidr: Cidr): AddressRange | undefined {
  const text = reader.text(value);
  if (text === undefined) return undefined;
  const ends = text.split('-').map((end) => ipFromText(end.trim()));
  const [first, last] = ends.map((end) => ('value' in end ? end.value : undefined));
  if (ends.length !== 2 || first === undefined || last === undefined)
    return reader.fault(
      value.path,
      `${JSON.stringify(text)} is no range; write one like ${nthHost(cidr, 2n)}-${nthHost(cidr, sizeOf(cidr) - 2n)}`,
    );
  const stray = [first, last].find((ip) => !contains(cidr, ip));
  if (stray !== undefined) return reader.fault(value.path, `${stray} is outside ${cidr}`);
  if (compareIps(first, last) > 0)
    return reader.fault(value.path, `${first} comes after ${last}; write the lower address first`);
  return { first, last };
}

function readMtu(
  reader: YamlReader,
  value: Value | undefined,
  subnets: readonly ExternalSubnet[],
): number {
  const mtuBytes =
    value === undefined ? undefined : reader.integer(value, MIN_MTU_BYTES, MAX_MTU_BYTES);
  if (value !== undefined)
    requireIpv6Mtu(
      reader,
      value.path,
      subnets.map(({ cidr }) => cidr),
      mtuBytes,
    );
  return mtuBytes ?? DEFAULT_MTU_BYTES;
}
