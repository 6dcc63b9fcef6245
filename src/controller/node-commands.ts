/** What happens to nodes: they register, report and go. Which nodes there are the topology says. */
import { familyOf } from '../model/addresses.js';
import { DvrError } from '../model/errors.js';
import { MAX_MTU_BYTES, MIN_IPV6_MTU_BYTES, MIN_MTU_BYTES } from '../model/limits.js';
import { mtuCeiling, tooLargeMtu } from '../model/mtu.js';
import type { NodeReport } from '../model/node-view.js';
import type { Network, Node, Port } from '../model/resources.js';
import { arrived, stayed } from './bindings.js';
import { withEntry, withoutEntry, type ControllerState, type Intent } from './intent.js';
import type { Change, Command, ControllerEvent } from './state.js';

type Registration = Omit<Extract<Command, { command: 'registerNode' }>, 'command'>;

/** Thousands of changes a second for a thousand years. */
const MAX_GENERATION = 2 ** 48;

/**
 * Takes note of an agent that has come, and of the underlay it found. What was reported before it came
 * counts no longer: a new agent has applied nothing yet, and one that only lost us reports again.
 * @throws DvrError DVR_NOT_FOUND, DVR_CONFLICT (another VTEP address), DVR_MTU_TOO_LARGE
 */
export function registerNode(
  state: ControllerState,
  { node: name, vtepIp, underlayMtuBytes, generation = 0 }: Registration,
): Change {
  const intent = countedPast(state.intent, name, generation);
  const node = nodeOf(intent, name);
  if (node.vtepIp !== vtepIp) {
    throw new DvrError(
      'DVR_CONFLICT',
      `node ${name} has the VTEP ${vtepIp}, but the topology says ${node.vtepIp}`,
      'start the agent with the --vtep-ip of the topology, or mend the topology',
    );
  }
  if (
    !Number.isInteger(underlayMtuBytes) ||
    underlayMtuBytes < MIN_MTU_BYTES ||
    underlayMtuBytes > MAX_MTU_BYTES
  ) {
    throw new DvrError(
      'DVR_USAGE',
      `node ${name} reports an underlay MTU of ${underlayMtuBytes}`,
      'see the MTU of the device that has the VTEP address',
    );
  }
  const events = [{ event: 'node_registered', node: name, underlayMtuBytes }] as const;
  const reports = withoutEntry(state.reports, name);
  // One that is as was declared says nothing new.
  if ((node.reportedMtuBytes ?? node.underlayMtuBytes) === underlayMtuBytes) return { intent, reports, events };
  const nodes = withEntry(intent.nodes, name, { ...node, reportedMtuBytes: underlayMtuBytes });
  requireMtus(nodes, intent.networks);
  return { intent: { ...intent, nodes }, reports, events };
}

/**
 * An agent that has a view newer than any of ours has it of a state that was lost. It takes newer ones only, so we count
 * on from there; and what it says of that view says nothing of what is bound now.
 */
function countedPast(intent: Intent, node: string, seen: number): Intent {
  if (seen <= intent.generation) return intent;
  if (!Number.isInteger(seen) || seen > MAX_GENERATION)
    throw new DvrError(
      'DVR_USAGE',
      `node ${node} has a view of generation ${seen}`,
      'stop its agent, and move its state file view.json away',
    );
  const generation = seen + 1;
  const ports = new Map([...intent.ports].map(([key, port]) =>
    [key, port.binding === undefined ? port : { ...port, binding: { ...port.binding, boundAt: generation } }]));
  return { ...intent, generation, ports };
}

/** @throws DvrError DVR_NOT_FOUND, DVR_CONFLICT where ports are bound to it. */
export function removeNode(state: ControllerState, name: string): Change {
  const { intent } = state;
  nodeOf(intent, name);
  const bound = [...intent.ports.values()]
    .filter(({ binding }) => binding?.node === name || binding?.migration?.to === name)
    .map((port) => port.name);
  if (bound.length > 0) {
    throw new DvrError(
      'DVR_CONFLICT',
      `node ${name} has ports: ${bound.slice(0, 5).join(', ')}${bound.length > 5 ? ' …' : ''}`,
      'detach them first',
    );
  }
  return {
    intent: { ...intent, nodes: withoutEntry(intent.nodes, name) },
    reports: withoutEntry(state.reports, name),
    events: [{ event: 'node_removed', node: name }],
  };
}

/**
 * Keeps the node's report, and does for ports whose namespace has vanished there what detaching does: one
 * that was made by attaching is deleted, a declared one is unbound. A port that was on its way to another node is
 * there now, and one that was on its way to this node stays where it is. A report older than what it speaks of
 * speaks of an earlier one and changes nothing; nor does one of a generation that is still to come here: another
 * controller, who has it already, hears the same.
 */
export function reportNode(state: ControllerState, report: NodeReport): Change {
  nodeOf(state.intent, report.node);
  const isKnown = report.generation <= state.intent.generation;
  const gone = report.ports.filter((port) => isKnown && port.state === 'gone');
  const reports = withEntry(state.reports, report.node, report);
  // Nearly all reports: every agent that is told of a change says that it has made it.
  if (gone.length === 0) return { intent: state.intent, reports, events: [] };
  const ports = new Map(state.intent.ports);
  const events = gone.flatMap(({ name }): ControllerEvent[] => {
    const port = state.intent.ports.get(name);
    return port === undefined ? [] : leave(ports, port, report, state.intent.generation);
  });
  return { intent: events.length === 0 ? state.intent : { ...state.intent, ports }, reports, events };
}

function leave(
  ports: Map<string, Port>,
  { binding, ...unbound }: Port,
  { node, generation }: NodeReport,
  now: number,
): ControllerEvent[] {
  const { name: port } = unbound;
  const migration = binding?.migration;
  if (binding?.node === node && generation >= binding.boundAt) {
    const left = { event: 'port_gone', port, node } as const;
    if (migration !== undefined) {
      ports.set(port, arrived(unbound, migration, now));
      return [left, { event: 'port_bound', port, node: migration.to }];
    }
    // Its name and address are free again: a declared port has them of the topology, and keeps them.
    if (unbound.madeBy === 'attach') ports.delete(port);
    else ports.set(port, unbound);
    return [left, ...(ports.has(port) ? [] : [{ event: 'port_deleted', port } as const])];
  }
  if (binding === undefined || migration?.to !== node || generation < migration.boundAt) return [];
  ports.set(port, stayed(unbound, binding));
  return [{ event: 'port_migration_ended', port, node }];
}

/** @throws DvrError DVR_NOT_FOUND */
export function nodeOf(intent: Intent, name: string): Node {
  const node = intent.nodes.get(name);
  if (node !== undefined) return node;
  const known = [...intent.nodes.keys()].slice(0, 10).join(', ');
  throw new DvrError(
    'DVR_NOT_FOUND',
    `no node is named "${name}"`,
    known === ''
      ? 'the controller has no topology yet: dvr controller --topology FILE'
      : `the topology has ${known}`,
  );
}

/** @throws DvrError DVR_MTU_TOO_LARGE where a network cannot be carried by the smallest underlay. */
export function requireMtus(
  nodes: ReadonlyMap<string, Node>,
  networks: ReadonlyMap<string, Network>,
): void {
  const ceiling = mtuCeiling(nodes.values());
  if (ceiling === undefined) return;
  for (const network of networks.values()) {
    const needed =
      network.mtuBytes ??
      (network.subnets.some(({ cidr }) => familyOf(cidr) === 6) ? MIN_IPV6_MTU_BYTES : 0);
    if (needed > ceiling.mtuBytes) {
      throw new DvrError(
        'DVR_MTU_TOO_LARGE',
        `network ${network.name}: MTU ${tooLargeMtu(needed, ceiling)}`,
        `raise the underlay's MTU on ${ceiling.node}, or lower the network's`,
      );
    }
  }
}
