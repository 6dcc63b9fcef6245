/**
 * Makes the numbered steps of a walk from the chain of passages: consecutive stages of one bridge fold
 * into one step. The router's part, EW2 and EW3, is in router-steps.ts; the words are in sentences.ts.
 * Step names: see walk-model.ts.
 */
import type { TraceRecord } from '../dataplane/interface.js';
import { localVlanName, named } from './names.js';
import { changed, macChanges, ttlChange } from './field-changes.js';
import {
  frameOf, leavesToRouter, type Passage, type Place, type Visit, type Walked,
} from './passage.js';
import { namespaceCrossing, outsideStepName, routerToOutside, type Neighbours } from './outside-steps.js';
import { fastPathSteps, namespaceSteps } from './router-steps.js';
import { sentenceOf, type StepContext } from './sentences.js';
import { passedStages, type Clock, type UnnumberedStep } from './step-parts.js';
import type { FieldChange, WalkStep } from './walk-model.js';
import { underlayAfter } from './underlay.js';

export function stepsOf(chain: readonly Passage[], walked: Walked): WalkStep[] {
  const startNs = new Map<string, number>();
  for (const passage of chain) {
    const node = passage.trace.view.node.name;
    if (!startNs.has(node)) startNs.set(node, passage.records[0].timeNs);
  }
  const sinceUs: Clock = (passage, record) =>
    (record.timeNs - (startNs.get(passage.trace.view.node.name) ?? record.timeNs)) / 1000;
  const steps = chain.flatMap((passage, at) => {
    const neighbours = { before: chain[at - 1], after: chain[at + 1] };
    const visits = visitsOf(passage, walked);
    const inRouter = (visit: Visit): UnnumberedStep[] => routerToOutside(visit, neighbours.after, walked, sinceUs)
      ?? namespaceSteps(visit, neighbours.after, walked, sinceUs);
    const own = visits.flatMap((visit): UnnumberedStep[] => {
      if (visit.place !== 'router') return [bridgeStep(visit, neighbours, walked, sinceUs)];
      return leavesToRouter(passage) ? inRouter(visit) : fastPathSteps(visit, walked, sinceUs);
    });
    // What comes for a router by the tunnel is not routed in the fast path, so no stage of a router's has it.
    const last = visits[visits.length - 1];
    if (passage.from === 'tunnel' && leavesToRouter(passage) && last !== undefined && last.place !== 'router') {
      own.push(...inRouter(last).map((step) => ({ ...step, stages: [] })));
    }
    return [...own, ...namespaceCrossing(passage, neighbours.after, walked, sinceUs)];
  });
  return steps.map((step, at) => ({ number: at + 1, ...step }));
}

function visitsOf(passage: Passage, { pipeline }: Pick<Walked, 'pipeline'>): Visit[] {
  const groups: { place: Place; records: [TraceRecord, ...TraceRecord[]] }[] = [];
  for (const record of passage.records) {
    const current = groups[groups.length - 1];
    const home = pipeline.stages.find((stage) => stage.name === record.stage)?.bridge;
    const place = home === 'br-int' || home === 'br-tun' || home === 'br-ex' || home === 'router' ? home : current?.place ?? 'br-int';
    if (current?.place === place) current.records.push(record);
    else groups.push({ place, records: [record] });
  }
  const routedAt = passage.from === 'router' ? 0 : groups.findIndex(({ place }) => place === 'router') + 1;
  const isRouted = (at: number): boolean => (passage.from === 'router' || routedAt > 0) && at >= routedAt;
  return groups.map((group, at) => {
    const next = groups[at + 1]?.place;
    return { passage, ...group, isRouted: isRouted(at), ...(next === undefined ? {} : { goesTo: next }) };
  });
}

/** The step's name: the seed's where the frame is routed, our own where it stays in its network. */
function stepName(
  visit: Visit, neighbours: Neighbours, walked: Walked,
): string {
  const { passage, place, isRouted } = visit;
  const { names, destination } = walked;
  const outside = outsideStepName(visit, neighbours, walked);
  if (outside !== undefined) return outside;
  const isTunnelBridge = place === 'br-tun';
  if (isRouted) {
    const isLocal = destination.node === passage.trace.view.node.name;
    return isTunnelBridge ? 'EW5' : isLocal ? "EW7'" : 'EW4';
  }
  if (passage.from === 'tunnel') {
    const isFromRouter = names.macOwner(passage.start?.srcMac ?? '')?.kind === 'dvr';
    return isFromRouter ? (isTunnelBridge ? 'EW6' : 'EW7') : isTunnelBridge ? 'L2-3' : 'L2-4';
  }
  const toRouter = names.macOwner(passage.start?.dstMac ?? '')?.kind === 'router';
  return toRouter ? 'EW1' : isTunnelBridge ? 'L2-2' : 'L2-1';
}

function bridgeStep(visit: Visit, neighbours: Neighbours, walked: Walked, sinceUs: Clock): UnnumberedStep {
  const { passage, records } = visit;
  const last = records[records.length - 1] ?? records[0];
  const step = stepName(visit, neighbours, walked);
  const context: StepContext = {
    ...walked, step, visit, last, start: frameOf(records[0], 'before'), end: frameOf(last, 'after'),
  };
  const underlay = underlayAfter(visit, last, walked);
  return {
    step, place: visit.place, node: passage.trace.view.node.name,
    what: sentenceOf(context),
    changes: [
      ...macChanges(context.start, context.end, walked.names),
      ...ttlChange(context.start, context.end),
      ...metadataChanges(visit, last, walked),
    ],
    timeUs: sinceUs(passage, last),
    stages: passedStages(visit, sinceUs),
    ...(underlay === undefined ? {} : { underlay }),
  };
}

/** Local VLAN and VNI travel beside the frame: what stages set and cleared is told as push and pop. */
function metadataChanges(
  { passage, place, records }: Visit, last: TraceRecord, { names }: Walked,
): FieldChange[] {
  const lv = (id: number): string =>
    (id === 0 ? 'none' : named(id, localVlanName(passage.trace.ids, id)));
  const vni = (id: number): string => (id === 0 ? 'none' : named(id, names.networkOfVni(id)?.name));
  const [before, after] = passage.from === 'tunnel' ? [records[0].vni, 0] : [0, last.vni];
  return [
    ...changed('local VLAN', lv(records[0].localVlan.before), lv(last.localVlan.after)),
    ...(place === 'br-tun' && last.next !== 'drop' ? changed('VNI', vni(before), vni(after)) : []),
  ];
}
