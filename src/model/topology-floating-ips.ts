/** The section `floating_ips`: outside addresses, each a port's of its own or kept for later. */
import { familyOf, type IpAddress } from './addresses.js';
import { ipFromText } from './address-text.js';
import { subnetOf, whyNotExternalIp } from './external-ip.js';
import { MAX_FLOATING_IPS } from './limits.js';
import {
  placements,
  type ExternalNetworkIntent,
  type FloatingIp,
  type NodeIntent,
  type Placement,
  type PortIntent,
} from './resources.js';
import type { ExternalNetworks } from './topology-external.js';
import { readTargetPort, targetOf, type Target, type TargetContext } from './topology-targets.js';
import { claim, readIp, readKnownName } from './topology-values.js';
import { hasUplinkTo } from './uplinks.js';
import type { Fields, Value, YamlReader } from './yaml-reader.js';

export interface FloatingIpContext extends TargetContext {
  readonly external: ExternalNetworks;
  readonly nodes: readonly NodeIntent[];
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
    if (values.port === undefined) refuseWithoutPort(reader, values);
    const port = values.port === undefined ? undefined : readTargetPort(reader, values.port, context);
    if (network === undefined) return [];
    const wish = { ip, network: network.name, placement, ...(fixedIp === undefined ? {} : { fixedIp }) };
    if (port === undefined || values.port === undefined) return [wish];
    const toPort: ToPort = { wish, network, port, values, portPath: values.port.path };
    const target = boundTo(reader, toPort, context);
    if (target === undefined) return [];
    const what = `port ${port.name}'s ${target.fixedIp ?? 'address'} in network ${network.name}`;
    claim(reader, bound, what, values.port.path, what);
    return [{ ...wish, port: port.name }];
  });
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

function boundTo(reader: YamlReader, toPort: ToPort, context: FloatingIpContext): Target | undefined {
  const { wish, network, port, values, portPath } = toPort;
  const fixedIp = values.fixed_ip && { value: values.fixed_ip, fixedIp: wish.fixedIp };
  const target = targetOf(reader, network.name, port, portPath, fixedIp, context);
  if (target === undefined) return undefined;
  if (target.router === undefined) {
    // A router that is faulty may be the one.
    if (reader.isFaulty('routers')) return undefined;
    return reader.fault(
      portPath,
      `no router with a gateway in ${network.name} reaches port ${port.name} in network ${port.network}`,
    );
  }
  const node = context.nodes.find(({ name }) => name === port.node);
  const { physicalNetwork } = network;
  const wished = wish.placement === 'distributed' ? values.placement : undefined;
  if (wished !== undefined && node !== undefined && !hasUplinkTo(node, physicalNetwork))
    reader.fault(
      wished.path,
      `node ${node.name} of port ${port.name} has no uplink to ${physicalNetwork}`,
    );
  return target;
}
