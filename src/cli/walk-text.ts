/**
 * Prints a walk for people: one line a step with the seed's names, the fields that changed below it,
 * the wire between the nodes as a line of its own, and how it ended with what to do next.
 */
import type {
  Underlay, Walk, WalkEnd, WalkOutcome, WalkPart, WalkStep,
} from '../trace/walk-model.js';
import { columns } from './output.js';

export interface TextOptions {
  /** Show every stage of the fast path below its step. */
  readonly stages?: boolean;
}

export function walkText(walk: Walk, options: TextOptions = {}): string {
  return [
    ...partText('ICMP echo', walk, options),
    ...(walk.reply === undefined ? [] : ['', ...partText('its answer', walk.reply, options)]),
    ...walk.notes.map((note) => `note: ${note}`),
  ].join('\n');
}

function partText(what: string, part: WalkPart, options: TextOptions): string[] {
  const heading = `${what}: ${endText(part.source)} -> ${endText(part.destination)}`;
  return [
    heading,
    ...(part.steps.length === 0 ? [] : ['', ...stepLines(part.steps, options), '']),
    ...outcomeLines(part.outcome, part.steps),
  ];
}

function endText({ name, ip, network, node }: WalkEnd): string {
  const where = [network, node].filter((word) => word !== undefined).join(', ');
  return `${name === undefined ? '' : `${name} `}${ip}${where === '' ? '' : ` (${where})`}`;
}

/** Columns are as wide as the steps need; lines that are no row are put between the rows afterwards. */
function stepLines(steps: readonly WalkStep[], options: TextOptions): string[] {
  const rows = steps.map((step) => [
    `${step.number}`.padStart(2), step.step, step.place, step.node, step.what,
    step.timeUs.toFixed(1).padStart(7),
  ]);
  const heading = [' #', 'step', 'where', 'node', 'what happened', '  t(µs)'];
  const table = columns([heading, ...rows]).split('\n');
  const indent = ' '.repeat((table[0] ?? '').indexOf('what happened'));
  const fields = steps.flatMap((step) => step.changes.map(({ field }) => field.length));
  const widest = Math.max(...fields, 0);
  const below = (step: WalkStep): string[] => [
    ...(step.why === undefined ? [] : [`${indent}  (${step.why})`]),
    ...step.changes.map(({ field, before, after }) =>
      `${indent}  ${field.padEnd(widest)}  ${before} -> ${after}`),
    ...(options.stages === true
      ? step.stages.map(({ stage, next, timeUs }) =>
        `${indent}  stage ${stage} -> ${next}  ${timeUs.toFixed(1)} µs`)
      : []),
    ...(step.underlay === undefined ? [] : [underlayText(step.underlay)]),
  ];
  return [table[0] ?? '', ...steps.flatMap((step, at) => [table[at + 1] ?? '', ...below(step)])];
}

function underlayText(wire: Underlay): string {
  const from = `${wire.fromVtep} (${wire.fromNode})`;
  const to = `${wire.toVtep} (${wire.toNode})`;
  const bytes = `${wire.innerBytes} + ${wire.addedBytes} B`;
  const verb = wire.innerBytes <= wire.mtuBytes ? 'fits' : 'is over';
  const mtu = wire.mtuBytes === 0 ? '' : `  ${verb} MTU ${wire.mtuBytes} + ${wire.addedBytes}`;
  return `    ---- underlay ${from} -> ${to}  UDP 4789  VNI ${wire.vni}  ${bytes}${mtu} ----`;
}

function outcomeLines(outcome: WalkOutcome, steps: readonly WalkStep[]): string[] {
  switch (outcome.kind) {
    case 'delivered': return [`DELIVERED to ${outcome.to} on ${outcome.node}; ${timesText(steps)}`];
    case 'dropped': return [
      `DROPPED at ${outcome.step} on ${outcome.node}, ${outcome.reason}: ${outcome.sentence}`,
      `  next: ${outcome.hint}`,
    ];
    case 'lost': return [
      `LOST on ${outcome.node}, seen at ${outcome.step} and not at ${outcome.missing}: `
        + outcome.sentence,
      `  next: ${outcome.hint}`,
    ];
    case 'unanswered': return [
      `UNANSWERED: ${outcome.node} did not say what it saw`, '  next: dvr status',
    ];
  }
}

/** Clocks of two machines do not agree, so each node has its own time from the packet's first stage there. */
function timesText(steps: readonly WalkStep[]): string {
  const times = new Map<string, number>();
  for (const step of steps) times.set(step.node, Math.max(times.get(step.node) ?? 0, step.timeUs));
  return [...times].map(([node, timeUs]) => `${timeUs.toFixed(1)} µs within ${node}`).join(', ');
}
