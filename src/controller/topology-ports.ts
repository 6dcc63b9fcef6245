/**
 * The ports of a topology, with their addresses: the declared ones, and those that attach or a client made and the file
 * does not speak of, which stay as they are or the topology is refused. A part of apply-topology.ts.
 */
import { DvrError } from '../model/errors.js';
import type { Network, Node, Port, PortIntent } from '../model/resources.js';
import { givenIps, slaacIps } from '../model/slaac.js';
import type { Topology } from '../model/topology.js';
import { IpPool } from './allocators/ip.js';
import type { PortMacPool } from './allocators/port-mac.js';
import { bindingAmong } from './bindings.js';
import type { Intent } from './intent.js';
import { snatIpsBefore } from './snat-ports.js';

/** What the topology makes beside its ports. */
export interface Around {
  readonly nodes: ReadonlyMap<string, Node>;
  readonly networks: ReadonlyMap<string, Network>;
  readonly macs: PortMacPool;
}

/** @throws DvrError DVR_CONFLICT, DVR_ADDRESS_IN_USE and what the allocators throw. */
export function portsOf(intent: Intent, topology: Topology, around: Around): ReadonlyMap<string, Port> {
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
    const binding = before?.binding === undefined ? {} : bindingAmong(around.nodes, before.binding);
    const mac = wish.mac ?? before?.mac ?? around.macs.allocate(`port ${wish.name}`);
    const ips = withSlaac({ name: wish.name, network: wish.network, mac, ips: given }, around, pools);
    return { ...wish, mac, ips, madeBy: 'topology', ...binding };
  });
  const keptNow = kept.map(({ binding, ...port }): Port => ({
    ...port,
    ips: withSlaac(port, around, pools),
    ...(binding === undefined ? {} : bindingAmong(around.nodes, binding)),
  }));
  return new Map([...declared, ...keptNow].map((port) => [port.name, port]));
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

/** Ports that attach or a client of the API made and the file does not speak of. */
export function survivors(intent: Intent, topology: Topology): readonly Port[] {
  const declared = new Set<string>(topology.ports.map((port) => port.name));
  return [...intent.ports.values()].filter(
    (port) => port.madeBy !== 'topology' && !declared.has(port.name),
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
