/**
 * Makes the declared part of the intent equal to a topology. What was allocated to a name stays with
 * it; ports that attach made stay whole, so a topology that leaves them nowhere to be is refused.
 *
 * Order: what cannot move claims its addresses first (declared ones, then those in use), and only
 * then is anything allocated. So the file's order never decides who gets an address.
 */
import { createHash } from 'node:crypto';
import type { MacAddress } from '../model/addresses.js';
import { DvrError } from '../model/errors.js';
import type { Vni } from '../model/identifiers.js';
import type { Network, Node, Port, PortIntent, Router } from '../model/resources.js';
import { givenIps, slaacIps } from '../model/slaac.js';
import type { Topology } from '../model/topology.js';
import { allocateDvrMac } from './allocators/dvr-mac.js';
import { IpPool } from './allocators/ip.js';
import { PortMacPool } from './allocators/port-mac.js';
import { allocateVni } from './allocators/vni.js';
import { claimGatewayMacs } from './gateway-macs.js';
import { floatingIpKey } from './gateway-names.js';
import type { Intent } from './intent.js';
import { requireMtus } from './node-commands.js';
import { snatIpsBefore } from './snat-ports.js';
import type { Change } from './state.js';

/** @throws DvrError DVR_CONFLICT, DVR_ADDRESS_IN_USE, DVR_MTU_TOO_LARGE and what the allocators throw. */
export function applyTopology(intent: Intent, topology: Topology): Change {
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
    topologyDigest: topologyDigest(topology),
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

interface Around {
  readonly nodes: ReadonlyMap<string, Node>;
  readonly networks: ReadonlyMap<string, Network>;
  readonly macs: PortMacPool;
}

function portsOf(intent: Intent, topology: Topology, around: Around): ReadonlyMap<string, Port> {
  const pools = new Map(
    [...around.networks.values()].map((network) => [
      network.name as string,
      new IpPool(network, topology.routers),
    ]),
  );
  for (const port of topology.ports)
    for (const ip of port.ips) poolOf(pools, port.network).claim(ip, port.name);
  const kept = survivors(intent, topology);
  for (const port of kept) requireHome(port, around, pools);
  const keptIps = new Map(
    topology.ports.map((port) => [port.name, ipsBefore(intent, port, around, poolOf(pools, port.network))]),
  );
  for (const { network, ip, owner } of snatIpsBefore(intent, topology)) {
    const pool = poolOf(pools, network);
    if (pool.isFree(ip, owner)) pool.claim(ip, owner);
  }
  const declared = topology.ports.map((wish): Port => {
    const before = intent.ports.get(wish.name);
    refuseMove(before, wish);
    const given =
      wish.ips.length > 0
        ? wish.ips
        : (keptIps.get(wish.name) ?? poolOf(pools, wish.network).allocate(wish.name));
    const binding =
      before?.binding !== undefined && around.nodes.has(before.binding.node)
        ? before.binding
        : undefined;
    const mac = wish.mac ?? before?.mac ?? around.macs.allocate(`port ${wish.name}`);
    const ips = withSlaac({ name: wish.name, network: wish.network, mac, ips: given }, around, pools);
    return { ...wish, mac, ips, madeBy: 'topology', ...(binding === undefined ? {} : { binding }) };
  });
  const keptNow = kept.map((port) => ({ ...port, ips: withSlaac(port, around, pools) }));
  return keyed([...declared, ...keptNow]);
}

/** The port's addresses with those it makes of its MAC, which are claimed for it, last. */
function withSlaac(
  { name, network, mac, ips }: Pick<Port, 'name' | 'network' | 'mac' | 'ips'>,
  around: Around,
  pools: ReadonlyMap<string, IpPool>,
): Port['ips'] {
  const home = around.networks.get(network);
  if (home === undefined) return ips;
  const own = slaacIps(home, mac);
  for (const ip of own) poolOf(pools, network).claim(ip, name);
  return [...givenIps(ips, home), ...own];
}

/** Ports that attach made and the file does not speak of. */
function survivors(intent: Intent, topology: Topology): readonly Port[] {
  const declared = new Set<string>(topology.ports.map((port) => port.name));
  return [...intent.ports.values()].filter(
    (port) => port.madeBy === 'attach' && !declared.has(port.name),
  );
}

/** The addresses a port was given before, claimed for it again, where it may still have all of them. */
function ipsBefore(
  intent: Intent,
  wish: PortIntent,
  { networks }: Around,
  pool: IpPool,
): Port['ips'] | undefined {
  const before = intent.ports.get(wish.name);
  const network = networks.get(wish.network);
  if (wish.ips.length > 0 || before?.network !== wish.network || network === undefined)
    return undefined;
  const given = givenIps(before.ips, network);
  if (given.length === 0 || !given.every((ip) => pool.isFree(ip, wish.name))) return undefined;
  for (const ip of given) pool.claim(ip, wish.name);
  return given;
}

function requireHome(port: Port, around: Around, pools: ReadonlyMap<string, IpPool>): void {
  const hint = `detach it first: dvr port detach ${port.name}`;
  const network = around.networks.get(port.network);
  if (network === undefined) {
    throw new DvrError(
      'DVR_CONFLICT',
      `port ${port.name} is on network ${port.network}, which the topology no longer has`,
      hint,
    );
  }
  if (port.binding !== undefined && !around.nodes.has(port.binding.node)) {
    throw new DvrError(
      'DVR_CONFLICT',
      `port ${port.name} is bound to node ${port.binding.node}, which the topology no longer has`,
      hint,
    );
  }
  const pool = poolOf(pools, port.network);
  for (const ip of givenIps(port.ips, network)) {
    if (!pool.isFree(ip, port.name)) {
      throw new DvrError(
        'DVR_CONFLICT',
        `port ${port.name} has ${ip}, which the topology gives to another or leaves no place for`,
        hint,
      );
    }
    pool.claim(ip, port.name);
  }
}

/** A guest that is plugged in would keep its old MAC and stay in its old network. */
function refuseMove(before: Port | undefined, wish: PortIntent): void {
  if (before?.binding === undefined) return;
  const hint = `detach it first: dvr port detach ${wish.name}`;
  if (before.network !== wish.network) {
    throw new DvrError(
      'DVR_CONFLICT',
      `port ${wish.name} is bound; it cannot move from network ${before.network} to ${wish.network}`,
      hint,
    );
  }
  if (wish.mac !== undefined && wish.mac !== before.mac) {
    throw new DvrError(
      'DVR_CONFLICT',
      `port ${wish.name} is bound; its MAC cannot change from ${before.mac} to ${wish.mac}`,
      hint,
    );
  }
}

function poolOf(pools: ReadonlyMap<string, IpPool>, network: string): IpPool {
  const pool = pools.get(network);
  if (pool === undefined) throw new Error(`network ${network} has no address pool`);
  return pool;
}

function keyed<Value extends { readonly name: string }>(
  values: readonly Value[],
): ReadonlyMap<string, Value> {
  return new Map(values.map((value) => [value.name, value]));
}
