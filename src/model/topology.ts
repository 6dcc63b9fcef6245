/**
 * The file that describes a deployment, for `dvr lab up` and for `dvr controller` alike.
 *
 *     underlay: { cidr: 172.16.0.0/24, mtu: 1600 }
 *     nodes:    { cn1: { vtep: 172.16.0.11 } }
 *     networks: { red: { vni: 101, subnets: [10.1.0.0/24] } }
 *     external_networks: { ext: { physical_network: physnet1, subnets: [{ cidr: 203.0.113.0/24 }] } }
 *     routers:  { r1: { networks: [red], gateway: ext } }
 *     ports:    { vm1: { network: red, node: cn1, ip: 10.1.0.11 } }
 *     floating_ips: { 203.0.113.101: { port: vm1 } }
 *
 * Reading is in the order above, since each section speaks of the ones before it. What comes out has
 * no fault left: every name is known, every address lies where it must and is there once. What the file
 * leaves open (VNIs, MACs, addresses) is allocated by the controller.
 */
import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import type { Cidr } from './addresses.js';
import { DvrError } from './errors.js';
import { MAX_PORTS } from './limits.js';
import { reachOf } from './reach.js';
import type {
  ExternalNetworkIntent,
  FloatingIp,
  InteropVtep,
  NetworkIntent,
  NodeIntent,
  PortIntent,
  RouterIntent,
} from './resources.js';
import { readExternalNetworks } from './topology-external.js';
import { readFloatingIps } from './topology-floating-ips.js';
import { requireAdvertisers } from './topology-ipv6.js';
import { readNetworks, withGateways } from './topology-networks.js';
import { readInteropVteps, readNodes, readUnderlay } from './topology-nodes.js';
import { withPortForwardings } from './topology-port-forwardings.js';
import { readPorts } from './topology-ports.js';
import { refuseFullSubnets } from './topology-room.js';
import { readRouters } from './topology-routers.js';
import type { TargetContext } from './topology-targets.js';
import { MAX_FILE_BYTES, YamlReader, type Value } from './yaml-reader.js';

export interface Topology {
  /** What the lab's underlay carries: single packets, or super-frames whole (for benchmarks). */
  readonly wire: 'segments' | 'super';
  readonly underlay: Underlay;
  readonly nodes: readonly NodeIntent[];
  readonly interopVteps: readonly InteropVtep[];
  readonly networks: readonly NetworkIntent[];
  readonly externalNetworks: readonly ExternalNetworkIntent[];
  /** What a lab plays on the wires beside the external networks: what clients will make external networks of. */
  readonly outside: readonly ExternalNetworkIntent[];
  readonly routers: readonly RouterIntent[];
  readonly ports: readonly PortIntent[];
  readonly floatingIps: readonly FloatingIp[];
}

export interface Underlay {
  readonly cidr: Cidr;
  readonly mtuBytes: number;
}

const sections = [
  'wire',
  'underlay',
  'nodes',
  'interop_vteps',
  'networks',
  'external_networks',
  'outside',
  'routers',
  'ports',
  'floating_ips',
] as const;

/**
 * Reads a topology from YAML (or JSON, which is YAML).
 *
 * @example
 * const topology = parseTopology(await readFile('topology.yaml', 'utf8'), 'topology.yaml');
 * @throws DvrError DVR_TOPOLOGY_INVALID, its message one line `FILE:LINE: PATH: FAULT` for each fault.
 */
export function parseTopology(text: string, file = 'topology.yaml'): Topology {
  const reader = new YamlReader(text, file);
  const root =
    reader.root === undefined
      ? undefined
      : reader.fields(reader.root, sections, ['underlay', 'nodes']);
  if (root === undefined) reader.throwFaults();
  const values = root?.values ?? {};
  const wire = readWire(reader, values.wire);
  const underlay = readUnderlay(reader, values.underlay);
  const { nodes, names: nodeNames } = readNodes(reader, values.nodes, underlay);
  const { networks: drafts, names } = readNetworks(reader, values.networks, nodes);
  const interopVteps = readInteropVteps(reader, values.interop_vteps, underlay, nodes, names);
  const external = readExternalNetworks(reader, values.external_networks, nodes, names);
  const { externalNetworks: outside } = readExternalNetworks(reader, values.outside, nodes, names);
  const { routers: drafted, forwardings } = readRouters(reader, values.routers, { drafts, names, nodes, external });
  requireAdvertisers(reader, drafts, drafted);
  const networks = withGateways(drafts, drafted);
  const ports = readPorts(reader, values.ports, {
    nodeNames,
    networkNames: names,
    networks,
    routers: drafted,
  });
  const targets: TargetContext = {
    reach: reachOf(drafted),
    networks: new Map(networks.map((network) => [network.name, network])),
    ports: new Map(ports.map((port) => [port.name, port])),
    portNames: new Set(reader.named(values.ports, MAX_PORTS).map(([name]) => name)),
  };
  const floatingIps = readFloatingIps(reader, values.floating_ips, { ...targets, external, nodes });
  const routers = withPortForwardings(reader, drafted, forwardings, { ...targets, external, floatingIps });
  const { externalNetworks } = external;
  const topology = { nodes, networks, externalNetworks, routers, ports, floatingIps };
  // A section with a fault asks for less than was meant.
  if (!reader.hasFaults) refuseFullSubnets(reader, topology);
  reader.throwFaults();
  if (underlay === undefined) throw new Error('no underlay, and no fault says why');
  return { wire, underlay, interopVteps, outside, ...topology };
}

/**
 * Reads the topology file at `path`.
 * @throws DvrError DVR_TOPOLOGY_INVALID, DVR_USAGE where it cannot be read.
 */
export function readTopologyFile(path: string): Topology {
  return parseTopology(readTopologyText(path), basename(path));
}

function readTopologyText(path: string): string {
  try {
    const bytes = statSync(path).size;
    if (bytes <= MAX_FILE_BYTES) return readFileSync(path, 'utf8');
    throw new DvrError(
      'DVR_TOPOLOGY_INVALID',
      `${basename(path)}:1: the file has ${bytes} bytes; at most ${MAX_FILE_BYTES} are read`,
      'nothing was changed; describe the deployment in fewer words',
    );
  } catch (cause) {
    if (cause instanceof DvrError) throw cause;
    throw new DvrError(
      'DVR_USAGE',
      `cannot read the topology ${path}: ${(cause as Error).message}`,
      'give the path of a YAML file',
      { cause },
    );
  }
}

function readWire(reader: YamlReader, value: Value | undefined): Topology['wire'] {
  const wire = value === undefined ? 'segments' : reader.text(value);
  if (wire === 'segments' || wire === 'super') return wire;
  if (wire !== undefined)
    reader.fault('wire', `${JSON.stringify(wire)} is neither "segments" nor "super"`);
  return 'segments';
}
