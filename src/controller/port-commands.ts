/** What happens to ports: made, bound, plugged in, changed, unplugged, deleted. */
import { DvrError } from '../model/errors.js';
import { isOwnDevice } from '../model/node-view.js';
import { MAX_PORTS } from '../model/limits.js';
import type { IpAddress, MacAddress } from '../model/addresses.js';
import { givenIps, slaacIps, whyNotGiven } from '../model/slaac.js';
import { routerIpsOf } from '../model/topology-routers.js';
import type {
  AllowedAddressPair,
  Binding,
  Network,
  Port,
  PortAttachment,
  PortIntent,
} from '../model/resources.js';
import { IpPool } from './allocators/ip.js';
import { macPool } from './gateway-macs.js';
import { withEntry, withoutEntry, type Intent } from './intent.js';
import { nodeOf } from './node-commands.js';
import { snatIps } from './snat-ports.js';
import type { AttachRequest, Change, PortChanges } from './state.js';

/** @throws DvrError DVR_CONFLICT where the name is taken, and what the allocators throw. */
export function createPort(intent: Intent, wish: PortIntent, madeBy: Port['madeBy']): Change {
  if (intent.ports.has(wish.name))
    throw new DvrError('DVR_CONFLICT', `port ${wish.name} exists already`, 'choose another name');
  if (intent.ports.size >= MAX_PORTS) {
    throw new DvrError(
      'DVR_CONFLICT',
      `there are ${MAX_PORTS} ports, which is all the fast path has room for`,
      'delete ports that are not used',
    );
  }
  const network = networkOf(intent, wish.network);
  if (wish.node !== undefined) nodeOf(intent, wish.node);
  refuseRouterIps(intent, network, wish.name, wish.allowedAddressPairs);
  const macs = macPool(intent);
  const ips = ipPool(intent, network);
  if (wish.mac !== undefined) macs.claim(wish.mac, `port ${wish.name}`);
  for (const ip of wish.ips) ips.claim(ip, wish.name);
  const mac = wish.mac ?? macs.allocate(`port ${wish.name}`);
  refuseSlaacIps(wish.name, wish.ips, network, mac);
  const given = wish.ips.length > 0 ? wish.ips : ips.allocate(wish.name);
  const port: Port = { ...wish, mac, ips: withSlaacIps(wish.name, given, network, mac, ips), madeBy };
  return { intent: withPort(intent, port), events: [{ event: 'port_created', port: port.name }] };
}

/** @throws DvrError DVR_CONFLICT where the port is attached elsewhere or is not what was asked for. */
export function attachPort(intent: Intent, request: AttachRequest): Change {
  const created = intent.ports.has(request.name)
    ? { intent, events: [] }
    : createPort(intent, wishOf(request), 'attach');
  const port = portOf(created.intent, request.name);
  refuseOtherWish(port, request);
  const node = request.node ?? port.binding?.node ?? port.node;
  if (node === undefined)
    throw new DvrError(
      'DVR_USAGE',
      `port ${port.name} has no node of its own`,
      'say where: --node NAME',
    );
  const bound = bind(created.intent, port, node, request.attachment);
  return { intent: bound.intent, events: [...created.events, ...bound.events] };
}

/** @throws DvrError DVR_CONFLICT where the port is bound to another node. */
export function bindPort(intent: Intent, name: string, node: string): Change {
  const port = portOf(intent, name);
  return bind(intent, port, node, port.binding?.attachment);
}

/** Detaching a declared port that is not attached changes nothing. */
export function detachPort(intent: Intent, name: string): Change {
  const port = portOf(intent, name);
  if (port.madeBy === 'attach') return deletePort(intent, name);
  if (port.binding === undefined) return { intent, events: [] };
  const { binding, ...unbound } = port;
  return {
    intent: withPort(intent, unbound),
    events: [{ event: 'port_unbound', port: name, node: binding.node }],
  };
}

export function deletePort(intent: Intent, name: string): Change {
  const { binding } = portOf(intent, name);
  const unbound =
    binding === undefined
      ? []
      : [{ event: 'port_unbound', port: name, node: binding.node } as const];
  return {
    intent: { ...intent, ports: withoutEntry(intent.ports, name) },
    events: [...unbound, { event: 'port_deleted', port: name }],
  };
}

/** @throws DvrError DVR_CONFLICT for a new MAC while bound, and what the allocators throw. */
export function updatePort(intent: Intent, name: string, changes: PortChanges): Change {
  const port = portOf(intent, name);
  const network = networkOf(intent, port.network);
  if (changes.mac !== undefined && changes.mac !== port.mac) {
    if (port.binding !== undefined) {
      throw new DvrError(
        'DVR_CONFLICT',
        `port ${name} is bound to ${port.binding.node}; its MAC cannot change`,
        `detach it first: dvr port detach ${name}`,
      );
    }
    macPool(intent).claim(changes.mac, `port ${name}`);
  }
  if (changes.ips !== undefined) {
    if (changes.ips.length === 0 && network.subnets.length > 0)
      throw new DvrError('DVR_USAGE', `port ${name} needs an address`, 'give at least one');
    const ips = ipPool(intent, network);
    for (const ip of changes.ips) ips.claim(ip, name);
    refuseSlaacIps(name, changes.ips, network, changes.mac ?? port.mac);
  }
  refuseRouterIps(intent, network, name, changes.allowedAddressPairs ?? []);
  const mac = changes.mac ?? port.mac;
  const ips = withSlaacIps(name, changes.ips ?? port.ips, network, mac, ipPool(intent, network));
  const changed: Port = { ...port, ...changes, ips };
  if (JSON.stringify(changed) === JSON.stringify(port)) return { intent, events: [] };
  return { intent: withPort(intent, changed), events: [{ event: 'port_changed', port: name }] };
}

/** @throws DvrError DVR_NOT_FOUND */
export function portOf(intent: Intent, name: string): Port {
  const port = intent.ports.get(name);
  if (port === undefined)
    throw new DvrError('DVR_NOT_FOUND', `no port is named "${name}"`, 'see: dvr port list');
  return port;
}

/** @throws DvrError DVR_NOT_FOUND */
export function networkOf(intent: Intent, name: string): Network {
  const network = intent.networks.get(name);
  if (network !== undefined) return network;
  const known = [...intent.networks.keys()].slice(0, 10).join(', ');
  throw new DvrError(
    'DVR_NOT_FOUND',
    `no network is named "${name}"`,
    known === '' ? 'the topology has none' : `the topology has ${known}`,
  );
}

function wishOf(request: AttachRequest): PortIntent {
  if (request.network === undefined || request.node === undefined) {
    throw new DvrError(
      'DVR_USAGE',
      `port ${request.name} does not exist, and to make it a network and a node are needed`,
      'give --network NAME and --node NAME',
    );
  }
  // Both are looked up before anything is kept, so they need no parsing of their own.
  return {
    name: request.name,
    network: request.network as PortIntent['network'],
    ips: request.ip === undefined ? [] : [request.ip],
    allowedAddressPairs: [],
    portSecurity: true,
  };
}

function refuseOtherWish(port: Port, request: AttachRequest): void {
  if (request.network !== undefined && request.network !== port.network) {
    throw new DvrError(
      'DVR_CONFLICT',
      `port ${port.name} is of network ${port.network}, not ${request.network}`,
      'leave --network out, or choose another name',
    );
  }
  if (request.ip !== undefined && !port.ips.includes(request.ip)) {
    throw new DvrError(
      'DVR_CONFLICT',
      `port ${port.name} has ${port.ips.join(' and ')}, not ${request.ip}`,
      'leave the address out, or choose another name',
    );
  }
}

function bind(
  intent: Intent,
  port: Port,
  nodeName: string,
  attachment: PortAttachment | undefined,
): Change {
  const node = nodeOf(intent, nodeName).name;
  const { binding } = port;
  if (binding !== undefined) {
    const same =
      binding.node === node &&
      (binding.attachment === undefined || sameAttachment(binding.attachment, attachment));
    if (!same) {
      throw new DvrError(
        'DVR_CONFLICT',
        `port ${port.name} is attached already: ${describe(binding)}`,
        `detach it first: dvr port detach ${port.name}`,
      );
    }
    if (sameAttachment(binding.attachment, attachment)) return { intent, events: [] };
  }
  const bound: Binding = {
    node,
    boundAt: intent.generation + 1,
    ...(attachment === undefined ? {} : { attachment }),
  };
  return {
    intent: withPort(intent, { ...port, binding: bound }),
    events: [{ event: 'port_bound', port: port.name, node }],
  };
}

function sameAttachment(
  left: PortAttachment | undefined,
  right: PortAttachment | undefined,
): boolean {
  return left?.netns === right?.netns && left?.pid === right?.pid && left?.ifname === right?.ifname;
}

function describe({ node, attachment }: Binding): string {
  if (attachment === undefined) return `on ${node}`;
  if (isOwnDevice(attachment)) return `on ${node} to its device ${attachment.ifname}`;
  const where = attachment.netns ?? `process ${attachment.pid}`;
  return `on ${node} in ${where} as ${attachment.ifname}`;
}

/** @throws DvrError DVR_USAGE for an address that only a host with another MAC would make itself. */
function refuseSlaacIps(port: string, ips: readonly IpAddress[], network: Network, mac: MacAddress): void {
  const why = ips.map((ip) => whyNotGiven(ip, network, mac)).find((fault) => fault !== undefined);
  if (why !== undefined) throw new DvrError('DVR_USAGE', `port ${port}: ${why}`, 'it gets one by itself');
}

/** The addresses that are given, then those the host makes of its MAC. @throws DvrError DVR_ADDRESS_IN_USE */
function withSlaacIps(
  port: string,
  ips: readonly IpAddress[],
  network: Network,
  mac: MacAddress,
  pool: IpPool,
): readonly IpAddress[] {
  const own = slaacIps(network, mac);
  for (const ip of own) pool.claim(ip, port);
  return [...givenIps(ips, network), ...own];
}

/** A pair with a router's address would let a port speak as its own gateway. */
export function refuseRouterIps(
  intent: Intent,
  network: Network,
  port: string,
  pairs: readonly AllowedAddressPair[],
): void {
  const routerIps: ReadonlyMap<string, string> = routerIpsOf(
    [...intent.routers.values()],
    network.name,
  );
  const snatOwners: ReadonlyMap<string, string> = new Map(
    snatIps(intent, network.name).map(({ ip, owner }) => [ip, owner]),
  );
  for (const { ip } of pairs) {
    const router = routerIps.get(ip);
    const owner = router === undefined ? snatOwners.get(ip) : `router ${router}`;
    if (owner !== undefined)
      throw new DvrError(
        'DVR_USAGE',
        `port ${port}: ${ip} is ${owner}'s address`,
        'allow another address',
      );
  }
}

function withPort(intent: Intent, port: Port): Intent {
  return { ...intent, ports: withEntry(intent.ports, port.name, port) };
}

/** The addresses of the network, with what is given out: to all but the port `except`, which asks anew. */
export function ipPool(intent: Intent, network: Network, except?: string): IpPool {
  const pool = new IpPool(network, [...intent.routers.values()]);
  for (const port of intent.ports.values()) {
    if (port.network === network.name && port.name !== except)
      for (const ip of port.ips) pool.hold(ip, port.name);
  }
  for (const { ip, owner } of snatIps(intent, network.name)) pool.claim(ip, owner);
  return pool;
}
