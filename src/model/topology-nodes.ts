/** The sections `underlay`, `nodes` and `interop_vteps`: who sends VXLAN to whom. */
import {
  broadcastAddress,
  contains,
  familyOf,
  networkAddress,
  type Cidr,
  type IpAddress,
} from './addresses.js';
import { interfaceNameRule, isInterfaceName, type Name } from './identifiers.js';
import {
  DEFAULT_MTU_BYTES,
  MAX_INTEROP_VTEPS,
  MAX_MTU_BYTES,
  MAX_NETWORKS,
  MAX_NODES,
  MAX_PROVIDERS_PER_NODE,
  MIN_MTU_BYTES,
  VXLAN_OVERHEAD_BYTES,
} from './limits.js';
import type { InteropVtep, NodeIntent, Provider } from './resources.js';
import { claim, readCidr, readIp, readKnownName } from './topology-values.js';
import type { Underlay } from './topology.js';
import type { Value, YamlReader } from './yaml-reader.js';

/** After a fault nobody knows what was meant: it limits no network, so that the fault is told once. */
const UNKNOWN_MTU_BYTES = Number.POSITIVE_INFINITY;

export function readUnderlay(reader: YamlReader, value: Value | undefined): Underlay | undefined {
  const fields = value === undefined ? undefined : reader.fields(value, ['cidr', 'mtu'], ['cidr']);
  const cidr = fields?.values.cidr === undefined ? undefined : readCidr(reader, fields.values.cidr);
  if (cidr === undefined) return undefined;
  return {
    cidr,
    mtuBytes: readMtu(reader, fields?.values.mtu, familyOf(cidr), DEFAULT_MTU_BYTES),
  };
}

/** `names` are all that were declared, faulty ones too, so that one fault is not told twice. */
export function readNodes(
  reader: YamlReader,
  value: Value | undefined,
  underlay: Underlay | undefined,
): { nodes: readonly NodeIntent[]; names: ReadonlySet<Name> } {
  const nodes: NodeIntent[] = [];
  const taken = new Map<string, string>();
  const entries = reader.named(value, MAX_NODES);
  const commonMtuBytes = underlay?.mtuBytes ?? UNKNOWN_MTU_BYTES;
  for (const [name, entry] of entries) {
    const fields = reader.fields(entry, ['vtep', 'mtu', 'provider', 'network_node'], ['vtep']);
    if (fields?.values.vtep === undefined) continue;
    const vtepIp = readVtep(reader, fields.values.vtep, underlay?.cidr, taken);
    if (vtepIp === undefined) continue;
    const underlayMtuBytes = readMtu(reader, fields.values.mtu, familyOf(vtepIp), commonMtuBytes);
    const isNetworkNode = fields.values.network_node;
    nodes.push({
      name,
      vtepIp,
      underlayMtuBytes,
      providers: readProviders(reader, fields.values.provider),
      networkNode: isNetworkNode === undefined ? false : (reader.boolean(isNetworkNode) ?? false),
    });
  }
  if (value !== undefined && reader.isEmptySection(value))
    reader.fault('nodes', 'names no node; a deployment has at least one');
  return { nodes, names: new Set(entries.map(([name]) => name)) };
}

export function readInteropVteps(
  reader: YamlReader,
  value: Value | undefined,
  underlay: Underlay | undefined,
  nodes: readonly NodeIntent[],
  networkNames: ReadonlySet<Name>,
): readonly InteropVtep[] {
  const vteps: InteropVtep[] = [];
  const names = new Map<string, string>(nodes.map((node) => [node.name, `nodes.${node.name}`]));
  const taken = new Map<string, string>(
    nodes.map((node) => [node.vtepIp, `nodes.${node.name}.vtep`]),
  );
  for (const [name, entry] of reader.named(value, MAX_INTEROP_VTEPS)) {
    // Both kinds are peers of a node and are told apart by name there.
    claim(reader, names, name, entry.path, `the name ${name}`);
    const fields = reader.fields(entry, ['vtep', 'networks'], ['vtep', 'networks']);
    if (fields?.values.vtep === undefined) continue;
    const vtepIp = readVtep(reader, fields.values.vtep, underlay?.cidr, taken);
    const networks = reader
      .list(fields.values.networks, MAX_NETWORKS)
      .map((item) => readKnownName(reader, item, 'network', networkNames))
      .filter((network) => network !== undefined);
    if (vtepIp !== undefined) vteps.push({ name, vtepIp, networks: [...new Set(networks)] });
  }
  return vteps;
}

function readProviders(reader: YamlReader, value: Value | undefined): readonly Provider[] {
  const taken = new Map<string, string>();
  return reader.named(value, MAX_PROVIDERS_PER_NODE).flatMap(([physicalNetwork, entry]) => {
    const device = reader.text(entry);
    if (device === undefined) return [];
    if (!isInterfaceName(device)) {
      const why = `${JSON.stringify(device)} cannot name a network device; ${interfaceNameRule}`;
      return reader.fault(entry.path, why) ?? [];
    }
    return claim(reader, taken, device, entry.path, `the device ${device}`)
      ? [{ physicalNetwork, device }]
      : [];
  });
}

function readVtep(
  reader: YamlReader,
  value: Value,
  cidr: Cidr | undefined,
  taken: Map<string, string>,
): IpAddress | undefined {
  const ip = readIp(reader, value);
  if (ip === undefined) return undefined;
  if (cidr !== undefined && !contains(cidr, ip))
    return reader.fault(value.path, `${ip} is outside the underlay ${cidr}`);
  if (cidr !== undefined && (ip === networkAddress(cidr) || ip === broadcastAddress(cidr))) {
    return reader.fault(
      value.path,
      `${ip} is the network or broadcast address of the underlay ${cidr}`,
    );
  }
  return claim(reader, taken, ip, value.path, `the VTEP address ${ip}`) ? ip : undefined;
}

function readMtu(
  reader: YamlReader,
  value: Value | undefined,
  family: 4 | 6,
  otherwiseBytes: number,
): number {
  if (value === undefined) return otherwiseBytes;
  const min = MIN_MTU_BYTES + VXLAN_OVERHEAD_BYTES[family];
  return reader.integer(value, min, MAX_MTU_BYTES) ?? UNKNOWN_MTU_BYTES;
}
