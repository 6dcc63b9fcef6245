/**
 * Makes the declared part of the intent equal to a topology. What was allocated to a name stays with
 * it; what attach and clients of the API made stays whole, so a topology that leaves it nowhere to be is refused.
 *
 * Order: what cannot move claims its addresses first (declared ones, then those in use), and only
 * then is anything allocated. So the file's order never decides who gets an address.
 */
import { createHash } from 'node:crypto';
import type { MacAddress } from '../model/addresses.js';
import { DvrError } from '../model/errors.js';
import type { Vni } from '../model/identifiers.js';
import type { Network, Node, Router } from '../model/resources.js';
import type { Topology } from '../model/topology.js';
import { allocateDvrMac } from './allocators/dvr-mac.js';
import { PortMacPool } from './allocators/port-mac.js';
import { allocateVni } from './allocators/vni.js';
import { adopted, withClientMade } from './client-made.js';
import { claimGatewayMacs } from './gateway-macs.js';
import { floatingIpKey } from './gateway-names.js';
import type { Intent } from './intent.js';
import { requireMtus } from './node-commands.js';
import type { Change } from './state.js';
import { portsOf, survivors } from './topology-ports.js';

/** @throws DvrError DVR_CONFLICT, DVR_ADDRESS_IN_USE, DVR_MTU_TOO_LARGE and what the allocators throw. */
export function applyTopology(intent: Intent, file: Topology): Change {
  const topology = withClientMade(intent, file);
  const dvrMacs = dvrMacsOf(intent, topology);
  const nodes = keyed(
    topology.nodes.map((node): Node => {
      const reported = intent.nodes.get(node.name)?.reportedMtuBytes;
      return {
        ...node,
        dvrMac: macFor(dvrMacs, node.name),
        ...(reported === undefined ? {} : { reportedMtuBytes: reported }),
      };
    }),
  );
  const networks = networksOf(intent, topology);
  requireMtus(nodes, networks);
  const macs = new PortMacPool();
  claimMacs(intent, topology, macs);
  const routers = routersOf(intent, topology, macs);
  const ports = portsOf(intent, topology, { nodes, networks, macs });
  const next: Intent = {
    generation: intent.generation,
    topologyDigest: topologyDigest(file),
    underlay: file.underlay,
    nodes,
    dvrMacs,
    networks,
    externalNetworks: keyed(topology.externalNetworks),
    routers,
    ports,
    floatingIps: new Map(
      topology.floatingIps.map((floatingIp) => [floatingIpKey(floatingIp), floatingIp]),
    ),
    interopVteps: keyed(topology.interopVteps),
    // What was given out is kept or given back when all else is known (gateways.ts).
    gateways: intent.gateways,
    fgPorts: intent.fgPorts,
    records: adopted(intent, file),
    addressHolders: intent.addressHolders,
    quotas: intent.quotas,
  };
  return {
    intent: next,
    events: [
      { event: 'topology_applied', nodes: nodes.size, networks: networks.size, ports: ports.size },
    ],
  };
}

/** Tells topologies apart by what they mean, not by how they were written. */
export function topologyDigest(topology: Topology): string {
  return createHash('sha256').update(JSON.stringify(topology)).digest('hex');
}

function dvrMacsOf(intent: Intent, topology: Topology): ReadonlyMap<string, MacAddress> {
  const dvrMacs = new Map(intent.dvrMacs);
  const taken = new Set(dvrMacs.values());
  for (const { name } of topology.nodes) {
    if (dvrMacs.has(name)) continue;
    const mac = allocateDvrMac(taken);
    taken.add(mac);
    dvrMacs.set(name, mac);
  }
  return dvrMacs;
}

function macFor(dvrMacs: ReadonlyMap<string, MacAddress>, node: string): MacAddress {
  const mac = dvrMacs.get(node);
  if (mac === undefined) throw new Error(`node ${node} has no DVR MAC`);
  return mac;
}

function networksOf(intent: Intent, topology: Topology): ReadonlyMap<string, Network> {
  const owners = new Map<Vni, string>();
  for (const { name, vni } of topology.networks) if (vni !== undefined) owners.set(vni, name);
  const kept = new Map<string, Vni>();
  for (const { name, vni } of topology.networks) {
    const before = vni ?? intent.networks.get(name)?.vni;
    if (before === undefined) continue;
    const owner = owners.get(before) ?? name;
    if (owner !== name) {
      throw new DvrError(
        'DVR_CONFLICT',
        `VNI ${before}, declared for network ${owner}, has been given to network ${name}`,
        `declare another VNI for ${owner}, or one for ${name}`,
      );
    }
    owners.set(before, name);
    kept.set(name, before);
  }
  const taken = new Set(owners.keys());
  return keyed(
    topology.networks.map((network): Network => {
      const vni = kept.get(network.name) ?? allocateVni(taken);
      taken.add(vni);
      return { ...network, vni };
    }),
  );
}

/** Claims every MAC that cannot change: declared ones, then those given out before. */
function claimMacs(intent: Intent, topology: Topology, macs: PortMacPool): void {
  for (const port of topology.ports)
    if (port.mac !== undefined) macs.claim(port.mac, `port ${port.name}`);
  for (const port of survivors(intent, topology)) macs.claim(port.mac, `port ${port.name}`);
  for (const { id, interfaces } of topology.routers) {
    for (const { network } of interfaces) {
      const mac = routerMacBefore(intent, id, network);
      if (mac !== undefined) macs.claim(mac, routerOwner(id, network));
    }
  }
  claimGatewayMacs(intent, macs);
  for (const port of topology.ports) {
    const before = intent.ports.get(port.name);
    if (port.mac === undefined && before !== undefined) macs.claim(before.mac, `port ${port.name}`);
  }
}

function routersOf(
  intent: Intent,
  topology: Topology,
  macs: PortMacPool,
): ReadonlyMap<string, Router> {
  return new Map(
    topology.routers.map((router) => [
      router.id,
      {
        ...router,
        interfaces: router.interfaces.map((routerInterface) => ({
          ...routerInterface,
          mac:
            routerMacBefore(intent, router.id, routerInterface.network) ??
            macs.allocate(routerOwner(router.id, routerInterface.network)),
        })),
      },
    ]),
  );
}

function routerMacBefore(intent: Intent, id: string, network: string): MacAddress | undefined {
  return intent.routers.get(id)?.interfaces.find((candidate) => candidate.network === network)?.mac;
}

function routerOwner(id: string, network: string): string {
  return `router ${id} in network ${network}`;
}

function keyed<Value extends { readonly name: string }>(
  values: readonly Value[],
): ReadonlyMap<string, Value> {
  return new Map(values.map((value) => [value.name, value]));
}
