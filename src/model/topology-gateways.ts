/** A router's `gateway`: by which external network it goes out, as whom, and where its source NAT is done. */
import { overlaps, type Cidr, type IpAddress } from './addresses.js';
import { whyNotExternalIp } from './external-ip.js';
import type { Name } from './identifiers.js';
import { snatPaths, type SnatPath } from './node-view.js';
import type { ExternalNetworkIntent, GatewayIntent, NodeIntent } from './resources.js';
import type { ExternalNetworks } from './topology-external.js';
import { claim, readIp, readKnownName } from './topology-values.js';
import { hasUplinkTo } from './uplinks.js';
import type { Value, YamlReader } from './yaml-reader.js';

export interface GatewayContext {
  readonly external: ExternalNetworks;
  readonly nodes: readonly NodeIntent[];
  /** The router's own subnets. */
  readonly cidrs: readonly Cidr[];
}

const keys = ['network', 'ip', 'snat', 'snat_path', 'node'] as const;

/** `gateway: ext` is short for `gateway: { network: ext }`. */
export function readGateway(
  reader: YamlReader,
  value: Value | undefined,
  context: GatewayContext,
): GatewayIntent | undefined {
  if (value === undefined) return undefined;
  const values = reader.isMapping(value)
    ? reader.fields(value, keys, ['network'])?.values
    : { network: value };
  if (values?.network === undefined) return undefined;
  const { external } = context;
  const name = readKnownName(reader, values.network, 'external network', external.names);
  const network = external.externalNetworks.find((one) => one.name === name);
  const snat = values.snat === undefined ? true : (reader.boolean(values.snat) ?? true);
  const snatPath = readSnatPath(reader, values.snat_path);
  const ip = values.ip === undefined ? undefined : readGatewayIp(reader, values.ip, network, external);
  const node = values.node === undefined ? undefined : readNode(reader, values.node, network, context);
  if (network === undefined) return undefined;
  refuseOverlap(reader, values.network.path, network, context.cidrs);
  return {
    network: network.name,
    snat,
    snatPath,
    ...(ip === undefined ? {} : { ip }),
    ...(node === undefined ? {} : { node }),
  };
}

function readSnatPath(reader: YamlReader, value: Value | undefined): SnatPath {
  const text = value === undefined ? undefined : reader.text(value);
  if (value === undefined || text === undefined) return snatPaths[0];
  const path = snatPaths.find((known) => known === text);
  if (path === undefined)
    reader.fault(value.path, `"${text}" is no path to source NAT; there are ${snatPaths.join(', ')}`);
  return path ?? snatPaths[0];
}

function readGatewayIp(
  reader: YamlReader,
  value: Value,
  network: ExternalNetworkIntent | undefined,
  { taken }: ExternalNetworks,
): IpAddress | undefined {
  const ip = readIp(reader, value);
  if (ip === undefined || network === undefined) return undefined;
  const why = whyNotExternalIp(ip, network);
  if (why !== undefined) return reader.fault(value.path, why);
  const what = `${ip} in network ${network.name}`;
  return claim(reader, taken, `${network.name} ${ip}`, value.path, what) ? ip : undefined;
}

function readNode(
  reader: YamlReader,
  value: Value,
  network: ExternalNetworkIntent | undefined,
  { nodes }: GatewayContext,
): Name | undefined {
  const name = reader.name(value);
  if (name === undefined) return undefined;
  const node = nodes.find((one) => one.name === name);
  if (node === undefined) {
    if (!reader.isFaulty('nodes')) reader.fault(value.path, `there is no node "${name}"`);
    return undefined;
  }
  if (!node.networkNode)
    return reader.fault(value.path, `${name} is no network node; write network_node: true there`);
  const wanted = network?.physicalNetwork;
  if (wanted === undefined || hasUplinkTo(node, wanted)) return name;
  return reader.fault(value.path, `${name} has no uplink to ${wanted}, which ${network?.name} is on`);
}

/** A router cannot tell the outside from a network with the same addresses. */
function refuseOverlap(
  reader: YamlReader,
  path: string,
  network: ExternalNetworkIntent,
  cidrs: readonly Cidr[],
): void {
  for (const { cidr } of network.subnets) {
    const own = cidrs.find((one) => overlaps(one, cidr));
    if (own !== undefined)
      reader.fault(path, `${cidr} of network ${network.name} overlaps the router's own ${own}`);
  }
}
