/**
 * What happened at a step, in the words of the seed. A sentence says only what the records show: a
 * clause about a MAC, a local VLAN or a VNI is there when that field really changed.
 */
import type { TraceRecord } from '../dataplane/interface.js';
import type { Frame } from './frame.js';
import { kTunnelPort, macName, portName } from './names.js';
import { leavesToRouter, networkOfPort, type Visit, type Walked } from './passage.js';

export interface StepContext extends Walked {
  readonly step: string;
  readonly visit: Visit;
  readonly last: TraceRecord;
  readonly start: Frame | undefined;
  readonly end: Frame | undefined;
}

export function sentenceOf(context: StepContext): string {
  const { last, step } = context;
  if (last.next === 'drop') return `DROPPED ${last.dropReason ?? ''}: ${dropText(context, last.dropReason).sentence}`;
  switch (step) {
    case 'EW1': return `${sender(context)} sends to its gateway ${nameOf(context, context.end?.dstMac)}; ${whereTo(context)}`;
    case 'EW4': return `switched ${whereTo(context)}${taggedWith(context)}`;
    case 'EW5': case 'L2-2': return clauses(rewritten(context), strippedLocalVlan(context), whereTo(context));
    case 'EW6': case 'L2-3': return clauses('taken out of the tunnel, VNI stripped', addedLocalVlan(context), whereTo(context));
    case 'EW7': return clauses(recognised(context), whereTo(context));
    case "EW7'": return `${whereTo(context)}, on this node: no tunnel and no DVR MAC needed`;
    case 'L2-1': return `${sender(context)} sends inside ${networkOfPort(context.visit.passage, last.inPort)}, no router; ${context.visit.goesOn ? 'switched ' : ''}${whereTo(context)}`;
    default: return whereTo(context);
  }
}

/** A drop reason's sentence and hint from the pipeline's own list. */
export function dropText({ pipeline }: Pick<Walked, 'pipeline'>, reason: string | undefined): { sentence: string; hint: string } {
  const { sentence, hint } = pipeline.dropReasons.find(({ name }) => name === reason) ?? { sentence: 'no such reason is known here', hint: 'dvr drops --all' };
  return { sentence, hint };
}

function whereTo({ visit, last, names }: StepContext): string {
  const { trace } = visit.passage;
  if (visit.goesOn) return visit.bridge === 'br-int' ? 'towards br-tun' : 'handed to br-int';
  if (last.next !== 'output') return `then to ${last.next}, which left no record`;
  if (last.outPort === kTunnelPort) {
    return `tunnelled to ${names.nodeOfVtep(last.vtep)?.name ?? last.vtep} with VNI ${last.vni}`;
  }
  const router = names.macOwner(visit.passage.end?.dstMac ?? '');
  if (leavesToRouter(visit.passage) && router?.kind === 'router') return `forwarded to router ${router.router}`;
  return `forwarded to ${portName(trace.ids, last.outPort) ?? `port ${last.outPort}`}`;
}

const clauses = (...parts: readonly (string | undefined)[]): string => parts.filter((part) => part !== undefined).join(', ');

function sender({ visit, last }: StepContext): string {
  return portName(visit.passage.trace.ids, last.inPort) ?? `port ${last.inPort}`;
}

function nameOf({ names }: StepContext, mac: string | undefined): string {
  return mac === undefined ? '?' : macName(names, mac) ?? mac;
}

function taggedWith({ visit, last }: StepContext): string {
  if (last.localVlan.after === 0) return '';
  return `, tagged with ${networkOfPort(visit.passage, visit.passage.inPort)}'s local VLAN`;
}

function rewritten(context: StepContext): string | undefined {
  const { start, end } = context;
  return start?.srcMac === end?.srcMac ? 'MACs stay as they are' : `source MAC replaced by the ${nameOf(context, end?.srcMac)}`;
}

function strippedLocalVlan({ visit, last }: StepContext): string | undefined {
  return visit.records[0].localVlan.before !== 0 && last.localVlan.after === 0 ? 'local VLAN stripped' : undefined;
}

function addedLocalVlan({ last, visit }: StepContext): string | undefined {
  if (last.localVlan.after === 0) return undefined;
  const network = visit.passage.trace.ids.localVlans.find(({ localVlan }) => localVlan === last.localVlan.after)?.network;
  return network === undefined ? 'local VLAN added' : `local VLAN of ${network} added`;
}

function recognised(context: StepContext): string | undefined {
  const { start, end } = context;
  if (start?.srcMac === end?.srcMac) return undefined;
  return `${nameOf(context, start?.srcMac)} recognised and replaced by ${nameOf(context, end?.srcMac)}`;
}
