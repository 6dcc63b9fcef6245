/** The section `ports`: what can be plugged into a network, and with which addresses. */
import type { Cidr, IpAddress, MacAddress } from './addresses.js';
import type { Name } from './identifiers.js';
import { MAX_ADDRESS_PAIRS_PER_PORT, MAX_IPS_PER_PORT, MAX_PORTS } from './limits.js';
import { whyNotPortIp } from './port-ip.js';
import type { AllowedAddressPair, NetworkIntent, PortIntent, RouterIntent } from './resources.js';
import { whyNotGiven } from './slaac.js';
import { routerIpsOf } from './topology-routers.js';
import { claim, readIp, readIpOrCidr, readKnownName, readPortMac } from './topology-values.js';
import type { Value, YamlReader } from './yaml-reader.js';

export interface PortContext {
  readonly nodeNames: ReadonlySet<Name>;
  readonly networkNames: ReadonlySet<Name>;
  readonly networks: readonly NetworkIntent[];
  readonly routers: readonly RouterIntent[];
}

interface Taken {
  readonly macs: Map<string, string>;
  readonly ips: Map<string, string>;
}

const keys = [
  'network',
  'node',
  'ip',
  'ips',
  'mac',
  'allowed_address_pairs',
  'port_security',
] as const;

export function readPorts(
  reader: YamlReader,
  value: Value | undefined,
  context: PortContext,
): readonly PortIntent[] {
  const networks = new Map(context.networks.map((network) => [network.name, network]));
  const routerIps = new Map(
    context.networks.map((network) => [network.name, routerIpsOf(context.routers, network.name)]),
  );
  const taken: Taken = { macs: new Map(), ips: new Map() };
  const ports: PortIntent[] = [];
  for (const [name, entry] of reader.named(value, MAX_PORTS)) {
    const values = reader.fields(entry, keys, ['network'])?.values;
    if (values?.network === undefined) continue;
    const networkName = readKnownName(reader, values.network, 'network', context.networkNames);
    const node =
      values.node === undefined
        ? undefined
        : readKnownName(reader, values.node, 'node', context.nodeNames);
    const network = networkName === undefined ? undefined : networks.get(networkName);
    const inNetwork =
      network === undefined
        ? undefined
        : { network, routerIps: routerIps.get(network.name) ?? new Map() };
    const mac = readMac(reader, values.mac, taken);
    const ips = readIps(reader, entry.path, values.ip, values.ips, inNetwork, mac, taken);
    const allowedAddressPairs = readPairs(reader, values.allowed_address_pairs, inNetwork);
    const portSecurity =
      values.port_security === undefined ? true : (reader.boolean(values.port_security) ?? true);
    if (networkName === undefined) continue;
    ports.push({
      name,
      network: networkName,
      ips,
      allowedAddressPairs,
      portSecurity,
      ...(node === undefined ? {} : { node }),
      ...(mac === undefined ? {} : { mac }),
    });
  }
  return ports;
}

interface InNetwork {
  readonly network: NetworkIntent;
  readonly routerIps: ReadonlyMap<IpAddress, Name>;
}

function readIps(
  reader: YamlReader,
  path: string,
  one: Value | undefined,
  several: Value | undefined,
  inNetwork: InNetwork | undefined,
  mac: MacAddress | undefined,
  taken: Taken,
): readonly IpAddress[] {
  if (one !== undefined && several !== undefined)
    reader.fault(path, '"ip" and "ips" are both there; write one of them');
  const values = one === undefined ? reader.list(several, MAX_IPS_PER_PORT) : [one];
  const ips: IpAddress[] = [];
  for (const value of values) {
    const ip = readIp(reader, value);
    if (ip === undefined || inNetwork === undefined) continue;
    const { network, routerIps } = inNetwork;
    const why = whyNotPortIp(ip, network, routerIps) ?? whyNotGiven(ip, network, mac);
    if (why !== undefined) reader.fault(value.path, why);
    else if (
      claim(
        reader,
        taken.ips,
        `${inNetwork.network.name} ${ip}`,
        value.path,
        `${ip} in network ${inNetwork.network.name}`,
      )
    )
      ips.push(ip);
  }
  return ips;
}

function readMac(
  reader: YamlReader,
  value: Value | undefined,
  taken: Taken,
): MacAddress | undefined {
  const mac = value === undefined ? undefined : readPortMac(reader, value);
  if (value === undefined || mac === undefined) return undefined;
  return claim(reader, taken.macs, mac, value.path, `the MAC ${mac}`) ? mac : undefined;
}

function readPairs(
  reader: YamlReader,
  value: Value | undefined,
  inNetwork: InNetwork | undefined,
): readonly AllowedAddressPair[] {
  const pairs: AllowedAddressPair[] = [];
  for (const item of reader.list(value, MAX_ADDRESS_PAIRS_PER_PORT)) {
    const values = reader.fields(item, ['ip', 'mac'], ['ip'])?.values;
    if (values?.ip === undefined) continue;
    const ip = readPairIp(reader, values.ip, inNetwork);
    const mac = values.mac === undefined ? undefined : readPortMac(reader, values.mac);
    if (ip !== undefined) pairs.push({ ip, ...(mac === undefined ? {} : { mac }) });
  }
  return pairs;
}

/** An address or a prefix; a router's own address cannot be lent to a port. */
function readPairIp(
  reader: YamlReader,
  value: Value,
  inNetwork: InNetwork | undefined,
): IpAddress | Cidr | undefined {
  const address = readIpOrCidr(reader, value);
  const router = inNetwork?.routerIps.get(address as IpAddress);
  return router === undefined
    ? address
    : reader.fault(value.path, `${address} is router ${router}'s address`);
}
