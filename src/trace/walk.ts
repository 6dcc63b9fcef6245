/**
 * From the trace records of all nodes to the walk of one packet: the seed's numbered steps, and how it
 * ended. Pure: the same records always give the same walk. walker.ts collects the records, walk-text.ts
 * prints the result.
 */
import { kTunnelPort, namesOf, portName, type Names } from './names.js';
import {
  follow, leavesToRouter, passagesOf, type Direction, type Passage, type Walked,
} from './passage.js';
import { outsideOutcome } from './outside-outcome.js';
import { insideRouter } from './router-outcome.js';
import { dropText } from './sentences.js';
import { stepsOf } from './steps.js';
import type { Walk, WalkEnd, WalkInput, WalkOutcome, WalkPart, WalkStep } from './walk-model.js';

/** The walk of the probe; with `both`, also that of its answer. */
export function walkOf(input: WalkInput, options: { readonly both?: boolean } = {}): Walk {
  const names = namesOf(input.nodes.map((trace) => trace.view));
  const passages = passagesOf(input.nodes);
  const there = partOf('request', input, names, passages, input.source, input.destination);
  const notes = notesOf(input, there.outcome);
  if (options.both !== true || there.outcome.kind !== 'delivered') return { ...there, notes };
  return {
    ...there,
    notes,
    reply: partOf('reply', input, names, passages, input.destination, input.source),
  };
}

function partOf(
  direction: Direction, input: WalkInput, names: Names, passages: readonly Passage[],
  source: WalkEnd, destination: WalkEnd,
): WalkPart {
  const walked: Walked = { names, pipeline: input.pipeline, source, destination };
  const first = passages.find((passage) =>
    passage.direction === direction && startsAt(passage, source, names));
  if (first === undefined) {
    const silent = input.unanswered.find((node) => node === source.node);
    const outcome: WalkOutcome = silent === undefined
      ? notSeen(source)
      : { kind: 'unanswered', node: silent };
    return { source, destination, steps: [], outcome };
  }
  const chain = follow(first, passages);
  const steps = stepsOf(chain, walked);
  return { source, destination, steps, outcome: outcomeOf(chain, steps, walked, input, passages) };
}

/** A VM's packet starts at its port; a router's own answer where it comes out of the namespace. */
function startsAt(passage: Passage, source: WalkEnd, names: Names): boolean {
  if (source.name === undefined) {
    return passage.from === 'uplink' ? names.isOutside(source.ip) && passage.last.next === 'output'
      : passage.from === 'router' && names.routerOfIp(source.ip) !== undefined;
  }
  return passage.trace.view.node.name === source.node
    && portName(passage.trace.ids, passage.inPort) === source.name;
}

function outcomeOf(
  chain: readonly Passage[], steps: readonly WalkStep[], walked: Walked, input: WalkInput,
  all: readonly Passage[],
): WalkOutcome {
  const last = chain[chain.length - 1];
  const step = steps[steps.length - 1];
  if (last === undefined || step === undefined) return notSeen(walked.source);
  const node = step.node;
  if (last.last.next === 'drop') {
    const reason = last.last.dropReason ?? 'unknown';
    return { kind: 'dropped', step: step.step, node, reason, ...dropText(walked, reason) };
  }
  if (last.last.next !== 'output') return cutShort(step, last.last.next);
  if (last.last.outPort === kTunnelPort) return overTheWire(last, step, walked, input);
  if (leavesToRouter(last)) return insideRouter(last, step, walked, all);
  const outside = outsideOutcome(last, step, walked);
  if (outside !== undefined) return outside;
  return {
    kind: 'delivered',
    to: portName(last.trace.ids, last.last.outPort) ?? `port ${last.last.outPort}`,
    node,
  };
}

/** Left by the tunnel and seen by no other node. */
function overTheWire(
  last: Passage, step: WalkStep, { names }: Walked, input: WalkInput,
): WalkOutcome {
  const vtep = last.last.vtep;
  const peer = names.nodeOfVtep(vtep);
  if (peer?.interop === true) {
    return {
      kind: 'delivered',
      to: `interop VTEP ${peer.name}, which this cluster does not see into`,
      node: peer.name,
    };
  }
  if (peer !== undefined && input.unanswered.includes(peer.name)) {
    return { kind: 'unanswered', node: peer.name };
  }
  const there = peer?.name ?? vtep;
  return {
    kind: 'lost', step: step.step, missing: step.step === 'EW5' ? 'EW6' : 'L2-3', node: step.node,
    sentence: `${step.node} sent it to ${vtep}; ${there} has not seen it`,
    hint: `on ${there}: tcpdump -n -i any udp port 4789; then the underlay's route, firewall and MTU`,
  };
}

function notSeen(source: WalkEnd): WalkOutcome {
  const node = source.node ?? 'any node';
  const port = source.name ?? source.ip;
  return {
    kind: 'lost', step: 'start', missing: 'step 1', node,
    sentence: `the frame was put in at ${port}'s port, and no stage of ${node} saw it`,
    hint: 'dvr status: is the port up, has the agent programmed it?',
  };
}

function cutShort(step: WalkStep, stage: string): WalkOutcome {
  return {
    kind: 'lost', step: step.step, missing: stage, node: step.node,
    sentence: `it went on to stage ${stage}, which left no record on ${step.node}`,
    hint: 'walk again: too much traffic carried the marker for the trace ring',
  };
}

function notesOf(input: WalkInput, outcome: WalkOutcome): string[] {
  const known = outcome.kind === 'unanswered' ? outcome.node : undefined;
  const silent = input.unanswered.filter((node) => node !== known);
  const cut = input.nodes.filter((trace) => trace.lost > 0);
  return [
    ...silent.map((node) => `${node} did not answer; what it saw is not shown`),
    ...cut.map(({ view, lost }) => `${view.node.name} lost ${lost} trace records: steps may be missing`),
    ...wrongPort(input, outcome),
  ];
}

function wrongPort({ destination: { name } }: WalkInput, outcome: WalkOutcome): string[] {
  if (outcome.kind !== 'delivered' || name === undefined) return [];
  if (outcome.to === name || outcome.to.startsWith('interop VTEP')) return [];
  return [`this is not ${name}: the tables point to another port`];
}
