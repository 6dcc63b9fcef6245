/**
 * Orders trace records into passages (one packet once through one node's bridges) and follows a packet
 * from passage to passage: out of one node's tunnel port or uplink into another's, or into a namespace and
 * out of it again. Pure; steps.ts makes the seed's steps from the chain found here.
 */
import type { TraceRecord } from '../dataplane/interface.js';
import { decodeFrame, icmpTypes, icmpv6Types, type Frame } from './frame.js';
import { kTunnelPort, type Names } from './names.js';
import type { NodePortKind } from '../model/node-call.js';
import type { NodeTrace, WalkEnd, WalkInput } from './walk-model.js';

/** A probe on its way out, its answer, or a router's complaint about it. */
export type Direction = 'request' | 'reply' | 'error';

export interface Passage {
  readonly trace: NodeTrace;
  readonly from: NodePortKind | 'tunnel';
  readonly inPort: number;
  readonly direction: Direction;
  /** In the order passed; never empty. */
  readonly records: readonly [TraceRecord, ...TraceRecord[]];
  readonly start: Frame | undefined;
  readonly end: Frame | undefined;
  readonly last: TraceRecord;
}

/** Consecutive records of one passage in one place: a bridge, or the router between two networks. */
export interface Visit {
  readonly passage: Passage;
  readonly place: Place;
  readonly records: readonly [TraceRecord, ...TraceRecord[]];
  /** Whether the frame comes here from a router, by its namespace or by the fast path. */
  readonly isRouted: boolean;
  /** Where the passage goes on after this; undefined where it ends here. */
  readonly goesTo?: Place;
}

export type Place = 'br-int' | 'br-tun' | 'router' | 'br-ex';

/** What is the same for every step of a walk. */
export interface Walked {
  readonly names: Names;
  readonly pipeline: WalkInput['pipeline'];
  readonly source: WalkEnd;
  readonly destination: WalkEnd;
}

/** No packet crosses more nodes and routers than this; it also ends a loop in what nodes say. */
const kMaxPassages = 16;

export function passagesOf(nodes: readonly NodeTrace[]): Passage[] {
  return nodes.flatMap((trace) => {
    const groups = new Map<string, TraceRecord[]>();
    for (const record of trace.records) {
      const key = `${record.passage}/${record.inPort}`;
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [record]);
      else group.push(record);
    }
    const passages = [...groups.values()].map((group) => passageOf(trace, group));
    return passages.sort((a, b) => a.records[0].timeNs - b.records[0].timeNs);
  });
}

/** The way of one packet, starting with `first`. */
export function follow(first: Passage, all: readonly Passage[]): Passage[] {
  const chain = [first];
  while (chain.length < kMaxPassages) {
    const here = chain[chain.length - 1] ?? first;
    const next = all.find((passage) =>
      !chain.includes(passage)
        && passage.direction === here.direction
        && comesAfter(here, passage));
    if (next === undefined) break;
    chain.push(next);
  }
  return chain;
}

function comesAfter(here: Passage, passage: Passage): boolean {
  if (here.last.next !== 'output') return false;
  const there = passage.trace.view.node;
  if (here.last.outPort === kTunnelPort) {
    return passage.from === 'tunnel'
      && there.vtepIp === here.last.vtep
      && passage.records[0].vtep === here.trace.view.node.vtepIp;
  }
  if (outKind(here) === 'uplink') return there.name !== here.trace.view.node.name && isSameOutside(here, passage);
  return comesOutOf[outKind(here)]?.includes(passage.from) === true
    && there.name === here.trace.view.node.name
    && passage.records[0].timeNs >= here.last.timeNs;
}

/** Behind a device is a namespace, and the others that lead out of it; routers and FIP namespaces are joined. */
const comesOutOf: Readonly<Partial<Record<Passage['from'], readonly Passage['from'][]>>> = {
  router: ['router', 'fip'], fip: ['router', 'fip'], snat: ['snat', 'gateway'], gateway: ['snat', 'gateway'],
};

/** The provider's wire changes nothing; whom the frame is not for has it too, where its MAC is not learned yet. */
function isSameOutside(here: Passage, { from, last, start }: Passage): boolean {
  return from === 'uplink' && last.next === 'output' && start?.dstMac === here.end?.dstMac
    && start?.ip?.src === here.end?.ip?.src && start?.ip?.dst === here.end?.ip?.dst;
}

/** What the passage ended at, where it ended at a port. */
export function outKind({ trace, last }: Passage): Passage['from'] {
  return portKind(trace, last.outPort);
}

export function leavesToRouter(passage: Passage): boolean {
  return passage.last.next === 'output'
    && portKind(passage.trace, passage.last.outPort) === 'router';
}

/** The router that a frame is addressed to. */
export function routerOf(frame: Frame | undefined, names: Names): string {
  const owner = names.macOwner(frame?.dstMac ?? '');
  return owner?.kind === 'router' ? owner.router : '?';
}

export function networkOfPort(passage: Passage, id: number): string {
  return passage.trace.ids.ports.find((port) => port.id === id)?.network ?? '?';
}

/** The frame before or after a stage; records never hold the VXLAN header. */
export function frameOf(record: TraceRecord, side: 'before' | 'after'): Frame | undefined {
  return decodeFrame(Buffer.from(record[side], 'base64'));
}

function passageOf(trace: NodeTrace, unordered: readonly TraceRecord[]): Passage {
  const ordered = unordered.toSorted((a, b) => a.timeNs - b.timeNs);
  const records = ordered as [TraceRecord, ...TraceRecord[]];
  const last = records[records.length - 1] ?? records[0];
  const start = frameOf(records[0], 'before');
  return {
    trace, records, last, start,
    from: portKind(trace, records[0].inPort), inPort: records[0].inPort,
    direction: directionOf(start), end: frameOf(last, 'after'),
  };
}

function portKind(trace: NodeTrace, id: number): Passage['from'] {
  if (id === kTunnelPort) return 'tunnel';
  return trace.ids.ports.find((port) => port.id === id)?.kind ?? 'vm';
}

function directionOf(frame: Frame | undefined): Direction {
  const type = frame?.ip?.icmp?.type;
  if (frame?.ip === undefined || type === undefined) return 'request';
  const [reply, errors]: [number, readonly number[]] = frame.ip.version === 4
    ? [icmpTypes.echoReply, [icmpTypes.unreachable, icmpTypes.timeExceeded]]
    : [
      icmpv6Types.echoReply,
      [icmpv6Types.unreachable, icmpv6Types.tooBig, icmpv6Types.timeExceeded],
    ];
  if (type === reply) return 'reply';
  return errors.includes(type) ? 'error' : 'request';
}
