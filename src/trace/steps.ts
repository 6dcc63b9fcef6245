/**
 * Makes the numbered steps of a walk from the chain of passages: consecutive stages of one bridge fold
 * into one step, and where a passage ends in a router port the kernel's part, EW2 and EW3, is put in
 * from the frames on either side of it. The words are in sentences.ts. Step names: see walk-model.ts.
 */
import type { TraceRecord } from '../dataplane/interface.js';
import type { Frame } from './frame.js';
import { localVlanName, macName, named, routerDeviceName, type Names } from './names.js';
import {
  frameOf, leavesToRouter, networkOfPort, type Passage, type Visit, type Walked,
} from './passage.js';
import { sentenceOf, type StepContext } from './sentences.js';
import type { FieldChange, StagePassed, WalkStep } from './walk-model.js';
import { underlayAfter } from './underlay.js';

type UnnumberedStep = Omit<WalkStep, 'number'>;

export function stepsOf(chain: readonly Passage[], walked: Walked): WalkStep[] {
  const startNs = new Map<string, number>();
  for (const passage of chain) {
    const node = passage.trace.view.node.name;
    if (!startNs.has(node)) startNs.set(node, passage.records[0].timeNs);
  }
  const sinceUs = (passage: Passage, record: TraceRecord): number =>
    (record.timeNs - (startNs.get(passage.trace.view.node.name) ?? record.timeNs)) / 1000;
  const steps = chain.flatMap((passage, at): UnnumberedStep[] => [
    ...visitsOf(passage, walked).map((visit) => bridgeStep(visit, walked, sinceUs)),
    ...(leavesToRouter(passage) ? routerSteps(passage, chain[at + 1], walked, sinceUs) : []),
  ]);
  return steps.map((step, at) => ({ number: at + 1, ...step }));
}

function visitsOf(passage: Passage, { pipeline }: Pick<Walked, 'pipeline'>): Visit[] {
  const groups: { bridge: string; records: [TraceRecord, ...TraceRecord[]] }[] = [];
  for (const record of passage.records) {
    const current = groups[groups.length - 1];
    const home = pipeline.stages.find((stage) => stage.name === record.stage)?.bridge;
    const bridge = home === 'br-int' || home === 'br-tun' ? home : current?.bridge ?? 'br-int';
    if (current?.bridge === bridge) current.records.push(record);
    else groups.push({ bridge, records: [record] });
  }
  return groups.map((group, at) => ({ passage, ...group, goesOn: at < groups.length - 1 }));
}

/** The step's name: the seed's where the frame is routed, our own where it stays in its network. */
function stepName(
  { passage, bridge }: Pick<Visit, 'passage' | 'bridge'>, { names, destination }: Walked,
): string {
  const isTunnelBridge = bridge === 'br-tun';
  if (passage.from === 'router') {
    const isLocal = destination.node === passage.trace.view.node.name;
    return isTunnelBridge ? 'EW5' : isLocal ? "EW7'" : 'EW4';
  }
  if (passage.from === 'tunnel') {
    const isRouted = names.macOwner(passage.start?.srcMac ?? '')?.kind === 'dvr';
    return isRouted ? (isTunnelBridge ? 'EW6' : 'EW7') : isTunnelBridge ? 'L2-3' : 'L2-4';
  }
  const toRouter = names.macOwner(passage.start?.dstMac ?? '')?.kind === 'router';
  return toRouter ? 'EW1' : isTunnelBridge ? 'L2-2' : 'L2-1';
}

function bridgeStep(
  visit: Visit, walked: Walked, sinceUs: (passage: Passage, record: TraceRecord) => number,
): UnnumberedStep {
  const { passage, records } = visit;
  const last = records[records.length - 1] ?? records[0];
  const step = stepName(visit, walked);
  const context: StepContext = {
    ...walked, step, visit, last, start: frameOf(records[0], 'before'), end: frameOf(last, 'after'),
  };
  const underlay = underlayAfter(visit, last, walked);
  return {
    step, place: visit.bridge, node: passage.trace.view.node.name,
    what: sentenceOf(context),
    changes: [
      ...macChanges(context.start, context.end, walked.names),
      ...ttlChange(context.start, context.end),
      ...metadataChanges(visit, last, walked),
    ],
    timeUs: sinceUs(passage, last),
    stages: records.map((record): StagePassed => ({
      stage: record.stage, next: nextOf(record), timeUs: sinceUs(passage, record),
    })),
    ...(underlay === undefined ? {} : { underlay }),
  };
}

/** EW2: into the namespace. EW3: out of it, if anything came out. */
function routerSteps(
  before: Passage,
  after: Passage | undefined,
  walked: Walked,
  sinceUs: (passage: Passage, record: TraceRecord) => number,
): UnnumberedStep[] {
  const { names, destination } = walked;
  const node = before.trace.view.node.name;
  const inward = names.macOwner(before.end?.dstMac ?? '');
  const router = inward?.kind === 'router' ? inward.router : '?';
  const inDevice = routerDeviceName(networkOfPort(before, before.last.outPort));
  const place = `router namespace ${router}`;
  const outNetwork = after === undefined ? undefined : networkOfPort(after, after.inPort);
  const routed = outNetwork === undefined
    ? `${inDevice} is given the frame for ${destination.ip}`
    : `${inDevice} picks the frame up; ${router} routes ${destination.ip} to ${outNetwork}`;
  const ttl = after === undefined ? [] : ttlChange(before.end, after.start);
  const ew2: UnnumberedStep = {
    step: 'EW2', place, node, what: routed, changes: ttl,
    timeUs: sinceUs(before, before.last), stages: [],
  };
  if (after === undefined || outNetwork === undefined) return [ew2];
  const ew3: UnnumberedStep = {
    step: 'EW3', place, node,
    what: `the routed frame leaves by ${routerDeviceName(outNetwork)}`,
    changes: macChanges(before.end, after.start, names),
    timeUs: sinceUs(after, after.records[0]), stages: [],
  };
  return [ew2, ew3];
}

function macChanges(
  start: Frame | undefined, end: Frame | undefined, names: Names,
): FieldChange[] {
  if (start === undefined || end === undefined) return [];
  const mac = (field: string, before: string, after: string): FieldChange[] =>
    changed(field, named(before, macName(names, before)), named(after, macName(names, after)));
  return [
    ...mac('source MAC', start.srcMac, end.srcMac),
    ...mac('destination MAC', start.dstMac, end.dstMac),
  ];
}

function ttlChange(start: Frame | undefined, end: Frame | undefined): FieldChange[] {
  const [before, after] = [start?.ip?.ttl, end?.ip?.ttl];
  return before === undefined || after === undefined ? [] : changed('TTL', `${before}`, `${after}`);
}

/** Local VLAN and VNI travel beside the frame: what stages set and cleared is told as push and pop. */
function metadataChanges(
  { passage, bridge, records }: Visit, last: TraceRecord, { names }: Walked,
): FieldChange[] {
  const lv = (id: number): string =>
    (id === 0 ? 'none' : named(id, localVlanName(passage.trace.ids, id)));
  const vni = (id: number): string => (id === 0 ? 'none' : named(id, names.networkOfVni(id)?.name));
  const [before, after] = passage.from === 'tunnel' ? [records[0].vni, 0] : [0, last.vni];
  return [
    ...changed('local VLAN', lv(records[0].localVlan.before), lv(last.localVlan.after)),
    ...(bridge === 'br-tun' && last.next !== 'drop' ? changed('VNI', vni(before), vni(after)) : []),
  ];
}

function changed(field: string, before: string, after: string): FieldChange[] {
  return before === after ? [] : [{ field, before, after }];
}

function nextOf(record: TraceRecord): string {
  return record.dropReason === undefined ? record.next : `drop (${record.dropReason})`;
}
