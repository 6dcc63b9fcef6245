/**
 * Sends one marked echo request into a cluster and collects what every node's stages saw of it. Thin:
 * who the ends are is decided in ends.ts, what the records mean in walk.ts.
 *
 * The order matters: every node looks for the marker before the frame is put in, and all are told to
 * stop looking whatever happens, an interruption too (trace-leases.ts), because others wait for it.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { dropReasons, stages } from '../dataplane/pipeline.js';
import type { TraceRecord } from '../dataplane/interface.js';
import { DvrError } from '../model/errors.js';
import type { NodeIds } from '../model/node-call.js';
import type { NodeView } from '../model/node-view.js';
import type { Cluster } from './cluster.js';
import { echoFrame, kMarkerBytes } from './echo.js';
import { beginsOutside, endsOf, nextHopMac, outsideEnds, withFloatingIp, type Ends } from './ends.js';
import { namesOf } from './names.js';
import { kUnknownAddress } from './router-outcome.js';
import { isSilence, TraceLeases, type LeaseOptions } from './trace-leases.js';
import { walkOf } from './walk.js';
import type { NodeTrace, Walk, WalkInput } from './walk-model.js';

export interface WalkOptions extends LeaseOptions {
  readonly both?: boolean;
  readonly ipv6?: boolean;
  /** How long a packet may take before it counts as lost. */
  readonly deadlineMs?: number;
}

const kDeadlineMs = 2000;
const kPollMs = 40;
/** What a VM's own `ping` sends, so that routing is seen as 64 -> 63. */
const kTtl = 64;

/** What a node that answers has told so far. */
interface Listener {
  readonly ids: NodeIds;
  readonly view: NodeView;
  readonly records: TraceRecord[];
  lost: number;
}

interface Collected {
  readonly marker: Buffer;
  readonly listeners: Map<string, Listener>;
  readonly unanswered: Set<string>;
}

/**
 * Walks from one port to another port or address.
 *
 * @example
 * const walk = await walk(client, 'vm1', 'vm2');
 * @throws DVR_NOT_FOUND, DVR_CONFLICT, DVR_USAGE for ends that make no sense.
 */
export async function walk(
  cluster: Cluster, from: string, to: string, options: WalkOptions = {},
): Promise<Walk> {
  const marker = randomBytes(kMarkerBytes);
  const leases = new TraceLeases(cluster, marker.toString('hex'), options);
  const collected: Collected = { marker, listeners: new Map(), unanswered: new Set() };
  try {
    return await orAborted(walkOnce(cluster, from, to, leases, collected, options), options);
  } finally {
    await leases.release(collected.unanswered);
  }
}

async function walkOnce(
  cluster: Cluster, from: string, to: string, leases: TraceLeases, collected: Collected,
  options: WalkOptions,
): Promise<Walk> {
  const [ports, nodes] = await Promise.all([cluster.ports(), cluster.nodes()]);
  // What makes no sense is told at once; who is outside is known from what the nodes know.
  const known = beginsOutside(from, ports) ? undefined : endsOf(from, to, ports, options);
  await Promise.all(nodes.map(({ name }) => meet(cluster, name, collected)));
  const names = namesOf([...collected.listeners.values()].map(({ view }) => view));
  const ends = known === undefined ? outsideEnds(from, to, names, ports) : withFloatingIp(known, names, ports);
  // Without the source's node nothing can be put in; without the destination's, half the walk is seen.
  if (collected.unanswered.has(ends.source.node)) return walkOf(inputOf(ends, collected));
  const silent = await leases.take([...collected.listeners.keys()]);
  for (const node of silent) collected.unanswered.add(node);
  options.signal?.throwIfAborted();
  await injectEcho(cluster, ends, collected);
  return await collect(cluster, ends, collected, options);
}

/** The work's result, or the signal's reason as soon as it comes: nobody waits for a silent node then. */
function orAborted<T>(work: Promise<T>, { signal }: WalkOptions): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => { reject(signal.reason); }, { once: true });
    work.then(resolve, reject);
  });
}

/** Asks for the names of a node's numbers, and so finds out early whether it answers at all. */
async function meet(cluster: Cluster, node: string, collected: Collected): Promise<void> {
  await orUnanswered(node, collected, async () => {
    const [ids, view] = await Promise.all([cluster.nodeCall(node, 'ids'), cluster.view(node)]);
    collected.listeners.set(node, { ids, view, records: [], lost: 0 });
  });
}

async function injectEcho(cluster: Cluster, ends: Ends, collected: Collected): Promise<void> {
  const { marker } = collected;
  const { source, destination, sourceMac, entrance } = ends;
  const listener = collected.listeners.get(source.node);
  const uplink = listener?.view.externalNetworks?.find(({ name }) => name === entrance?.network)?.uplink;
  const [kind, name] = entrance === undefined ? ['vm', source.name] : ['uplink', uplink?.physicalNetwork];
  const port = listener?.ids.ports.find((one) => one.kind === kind && one.name === name);
  if (listener === undefined || port === undefined) throw notPluggedIn(ends);
  const frame = echoFrame({
    srcMac: sourceMac,
    dstMac: entrance?.mac ?? nextHopMac(ends, listener.view),
    srcIp: source.ip,
    dstIp: destination.ip,
    ttl: kTtl, id: marker.readUInt16BE(0), sequence: 1, marker,
    ...(uplink?.vlan === undefined ? {} : { vlan: uplink.vlan }),
  });
  await cluster.nodeCall(source.node, 'inject', {
    portId: port.id, frame: frame.toString('base64'),
  });
}

function notPluggedIn({ source, entrance }: Ends): DvrError {
  if (entrance !== undefined) {
    return new DvrError('DVR_CONFLICT', `${source.node} has no uplink to network ${entrance.network}`, 'dvr status');
  }
  return new DvrError(
    'DVR_CONFLICT',
    `port ${source.name ?? source.ip} is not plugged in on ${source.node}`,
    `dvr port attach ${source.name ?? source.ip} --netns PATH; dvr status`,
  );
}

/** Takes records until the packet's end is known, or long enough has passed for it to be lost. */
async function collect(
  cluster: Cluster, ends: Ends, collected: Collected, options: WalkOptions,
): Promise<Walk> {
  const deadline = performance.now() + (options.deadlineMs ?? kDeadlineMs);
  for (;;) {
    await Promise.all(
      [...collected.listeners].map(([node, listener]) =>
        takeRecords(cluster, node, listener, collected)),
    );
    const result = walkOf(inputOf(ends, collected), options);
    if (isComplete(result, options) || performance.now() >= deadline) return result;
    await sleep(kPollMs, undefined, { signal: options.signal });
  }
}

function isComplete({ outcome, reply }: Walk, { both }: WalkOptions): boolean {
  if (outcome.kind === 'dropped') return outcome.reason !== kUnknownAddress;
  if (outcome.kind !== 'delivered') return outcome.kind !== 'lost';
  return both !== true || (reply !== undefined && reply.outcome.kind !== 'lost');
}

async function takeRecords(
  cluster: Cluster, node: string, listener: Listener, collected: Collected,
): Promise<void> {
  if (collected.unanswered.has(node)) return;
  await orUnanswered(node, collected, async () => {
    const marker = collected.marker.toString('hex');
    const dump = await cluster.nodeCall(node, 'takeTrace', { marker });
    listener.records.push(...dump.records);
    listener.lost += dump.lost;
  });
}

function inputOf({ source, destination }: Ends, { listeners, unanswered }: Collected): WalkInput {
  const nodes: NodeTrace[] = [...listeners.values()];
  return {
    source, destination, nodes, unanswered: [...unanswered], pipeline: { stages, dropReasons },
  };
}

async function orUnanswered(
  node: string, { unanswered }: Collected, ask: () => Promise<void>,
): Promise<void> {
  try {
    await ask();
  } catch (error) {
    if (!isSilence(error)) throw error;
    unanswered.add(node);
  }
}
