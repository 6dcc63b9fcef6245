/** The section `floating_ips`: outside addresses, each a port's of its own or kept for later. */
import { familyOf, type IpAddress } from './addresses.js';
import { ipFromText } from './address-text.js';
import { subnetOf, whyNotExternalIp } from './external-ip.js';
import type { Name } from './identifiers.js';
import { MAX_FLOATING_IPS } from './limits.js';
import type { Reach } from './reach.js';
import {
  placements,
  type ExternalNetworkIntent,
  type FloatingIp,
  type NetworkIntent,
  type NodeIntent,
  type Placement,
  type PortIntent,
  type RouterIntent,
} from './resources.js';
import type { ExternalNetworks } from './topology-external.js';
import { claim, readIp, readKnownName } from './topology-values.js';
import { hasUplinkTo } from './uplinks.js';
import type { Fields, Value, YamlReader } from './yaml-reader.js';

export interface FloatingIpContext {
  readonly external: ExternalNetworks;
  readonly nodes: readonly NodeIntent[];
  readonly networks: ReadonlyMap<Name, NetworkIntent>;
  readonly reach: Reach<RouterIntent>;
  readonly ports: ReadonlyMap<Name, PortIntent>;
  /** All ports that were declared, faulty ones too, so that one fault is not told twice. */
  readonly portNames: ReadonlySet<Name>;
}

const keys = ['port', 'fixed_ip', 'network', 'placement'] as const;
type FloatingIpFields = Fields<(typeof keys)[number]>['values'];

export function readFloatingIps(
  reader: YamlReader,
  value: Value | undefined,
  context: FloatingIpContext,
): readonly FloatingIp[] {
  const bound = new Map<string, string>();
  return reader.keyed(value, MAX_FLOATING_IPS).flatMap(([key, entry]) => {
    const values = reader.fields(entry, keys)?.values;
    const ip = readAddress(reader, key, entry.path);
    if (values === undefined || ip === undefined) return [];
    const network = readNetwork(reader, ip, entry.path, values.network, context.external);
    const placement = readPlacement(reader, values.placement);
    const fixedIp = values.fixed_ip === undefined ? undefined : readIp(reader, values.fixed_ip);
    const port = readPort(reader, values, context);
    if (network === undefined) return [];
    const wish = { ip, network: network.name, placement, ...(fixedIp === undefined ? {} : { fixedIp }) };
    if (port === undefined || values.port === undefined) return [wish];
    const toPort: ToPort = { wish, network, port, values, portPath: values.port.path };
    if (!isBindable(reader, toPort, context)) return [];
    const target = `port ${port.name}'s ${fixedIpOf(toPort) ?? 'address'} in network ${network.name}`;
    claim(reader, bound, target, values.port.path, target);
    return [{ ...wish, port: port.name }];
  });
}

function readPort(
  reader: YamlReader,
  values: FloatingIpFields,
  { ports, portNames }: FloatingIpContext,
): PortIntent | undefined {
  if (values.port === undefined) {
    refuseWithoutPort(reader, values);
    return undefined;
  }
  const name = readKnownName(reader, values.port, 'port', portNames);
  return name === undefined ? undefined : ports.get(name);
}

function readAddress(reader: YamlReader, key: string, path: string): IpAddress | undefined {
  const result = ipFromText(key);
  if ('fault' in result) return reader.fault(path, result.fault);
  if (familyOf(result.value) === 4) return result.value;
  return reader.fault(path, `${result.value} cannot float: IPv6 is routed without NAT`);
}

/** The network that is named, or the only one that holds the address. */
function readNetwork(
  reader: YamlReader,
  ip: IpAddress,
  path: string,
  value: Value | undefined,
  { externalNetworks, names, taken }: ExternalNetworks,
): ExternalNetworkIntent | undefined {
  const name =
    value === undefined ? undefined : readKnownName(reader, value, 'external network', names);
  if (value !== undefined && name === undefined) return undefined;
  const candidates = externalNetworks.filter((network) =>
    name === undefined ? subnetOf(network, ip) !== undefined : network.name === name,
  );
  const [network, other] = candidates;
  if (other !== undefined)
    return reader.fault(
      path,
      `${ip} lies in ${candidates.map((one) => one.name).join(' and ')}; write network: one of them`,
    );
  // A faulty network has been told of, and may be the one.
  if (network === undefined)
    return reader.isFaulty('external_networks')
      ? undefined
      : reader.fault(path, `${ip} is in no subnet of an external network`);
  const why = whyNotExternalIp(ip, network);
  if (why !== undefined) return reader.fault(path, why);
  const what = `${ip} in network ${network.name}`;
  return claim(reader, taken, `${network.name} ${ip}`, path, what) ? network : undefined;
}

function readPlacement(reader: YamlReader, value: Value | undefined): Placement {
  const text = value === undefined ? undefined : reader.text(value);
  if (value === undefined || text === undefined) return placements[0];
  const placement = placements.find((known) => known === text);
  if (placement === undefined)
    reader.fault(value.path, `"${text}" is no placement; there are ${placements.join(', ')}`);
  return placement ?? placements[0];
}

/** An address that is only kept has nothing to be done for it. */
function refuseWithoutPort(reader: YamlReader, { fixed_ip, placement }: FloatingIpFields): void {
  for (const value of [fixed_ip, placement])
    if (value !== undefined) reader.fault(value.path, 'there is no "port" for it');
}

interface ToPort {
  readonly wish: Omit<FloatingIp, 'port'>;
  readonly network: ExternalNetworkIntent;
  readonly port: PortIntent;
  readonly values: FloatingIpFields;
  readonly portPath: string;
}

function isBindable(reader: YamlReader, toPort: ToPort, context: FloatingIpContext): boolean {
  const { network, port, values, portPath } = toPort;
  if (!isFixedIpOfPort(reader, toPort)) return false;
  const subnets = context.networks.get(port.network)?.subnets ?? [];
  const fixedIp = fixedIpOf(toPort);
  if (fixedIp === undefined && !subnets.some(({ cidr }) => familyOf(cidr) === 4)) {
    reader.fault(portPath, `port ${port.name} has no IPv4 address`);
    return false;
  }
  const destination = { network: port.network, subnets, fixedIp };
  if (context.reach(network.name, destination) === undefined) {
    // A router that is faulty may be the one.
    if (!reader.isFaulty('routers'))
      reader.fault(
        portPath,
        `no router with a gateway in ${network.name} reaches port ${port.name} in network ${port.network}`,
      );
    return false;
  }
  const node = context.nodes.find(({ name }) => name === port.node);
  const { physicalNetwork } = network;
  const wished = toPort.wish.placement === 'distributed' ? values.placement : undefined;
  if (wished !== undefined && node !== undefined && !hasUplinkTo(node, physicalNetwork))
    reader.fault(
      wished.path,
      `node ${node.name} of port ${port.name} has no uplink to ${physicalNetwork}`,
    );
  return true;
}

function isFixedIpOfPort(reader: YamlReader, { wish, port, values }: ToPort): boolean {
  if (values.fixed_ip === undefined) return true;
  const { fixedIp } = wish;
  if (fixedIp === undefined) return false;
  if (port.ips.includes(fixedIp) && familyOf(fixedIp) === 4) return true;
  const has = port.ips.length === 0 ? 'declares no address' : `has ${port.ips.join(' and ')}`;
  reader.fault(
    values.fixed_ip.path,
    familyOf(fixedIp) === 6
      ? `${fixedIp} is an IPv6 address, which is routed without NAT`
      : `${fixedIp} is not port ${port.name}'s, which ${has}`,
  );
  return false;
}

/** Unknown where the port's address is still to be allocated. */
function fixedIpOf({ wish, port }: ToPort): IpAddress | undefined {
  return wish.fixedIp ?? port.ips.find((ip) => familyOf(ip) === 4);
}
