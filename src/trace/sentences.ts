/**
 * What happened at a step, in the words of the seed. A sentence says only what the records show: a
 * clause about a MAC, a local VLAN or a VNI is there when that field really changed.
 */
import type { TraceRecord } from '../dataplane/interface.js';
import { fipDeviceName, gatewayDeviceName, snatDeviceName } from '../model/device-names.js';
import type { NodeIds } from '../model/node-call.js';
import type { Frame } from './frame.js';
import { kTunnelPort, localVlanName, macName, portName } from './names.js';
import { networkOfPort, routerOf, type Visit, type Walked } from './passage.js';

export interface StepContext extends Walked {
  readonly step: string;
  readonly visit: Visit;
  readonly last: TraceRecord;
  readonly start: Frame | undefined;
  readonly end: Frame | undefined;
}

export function sentenceOf(context: StepContext): string {
  const { last, step } = context;
  if (last.next === 'drop') {
    return `DROPPED ${last.dropReason ?? ''}: ${dropText(context, last.dropReason).sentence}`;
  }
  const to = whereTo(context);
  switch (step) {
    case 'EW1': case 'NS1': case 'FO1': return `${sender(context)} sends to its gateway ${gateway(context)}; ${to}`;
    case 'EW4': case 'NS4': return `${to}${taggedWith(context)}`;
    case 'EW5': case 'NS5': case 'L2-2': return clauses(rewritten(context), strippedLocalVlan(context), to);
    case 'EW6': case 'NS6': case 'L2-3': return clauses(
      'taken out of the tunnel, VNI stripped', addedLocalVlan(context), to,
    );
    case 'EW7': case 'NS7': return clauses(recognised(context), to);
    case "EW7'": return `${to}, on this node: no tunnel and no DVR MAC needed`;
    case 'L2-1': return `${sender(context)} sends inside ${itsNetwork(context)}, no router; ${to}`;
    default: return to;
  }
}

/** A drop reason's sentence and hint from the pipeline's own list. */
export function dropText(
  { pipeline }: Pick<Walked, 'pipeline'>, reason: string | undefined,
): { sentence: string; hint: string } {
  const found = pipeline.dropReasons.find(({ name }) => name === reason);
  if (found !== undefined) return { sentence: found.sentence, hint: found.hint };
  return { sentence: 'no such reason is known here', hint: 'dvr drops --all' };
}

function whereTo({ visit, last, names }: StepContext): string {
  const { trace } = visit.passage;
  switch (visit.goesTo) {
    case 'br-tun': return 'switched towards br-tun';
    case 'br-int': return 'handed to br-int';
    case 'router': return `forwarded to router ${routerOf(visit.passage.start, names)}`;
    case undefined: break;
  }
  if (last.next !== 'output') return `then to ${last.next}, which left no record`;
  if (last.outPort === kTunnelPort) {
    return `tunnelled to ${names.nodeOfVtep(last.vtep)?.name ?? last.vtep} with VNI ${last.vni}`;
  }
  return `forwarded to ${portText(trace.ids, last.outPort)}`;
}

/** As people call what is behind the port. */
export function portText(ids: NodeIds, id: number): string {
  const port = ids.ports.find((one) => one.id === id);
  switch (port?.kind) {
    case 'router': return `router ${port.name}`;
    case 'snat': return `${snatDeviceName(port.network)} in the SNAT namespace of ${port.name}`;
    case 'gateway': return `${gatewayDeviceName(port.network)} in the SNAT namespace of ${port.name}`;
    case 'fip': return `${fipDeviceName(port.network)} in the FIP namespace`;
    case 'uplink': return `the provider's wire ${port.name}`;
    default: return portName(ids, id) ?? `port ${id}`;
  }
}

const clauses = (...parts: readonly (string | undefined)[]): string =>
  parts.filter((part) => part !== undefined).join(', ');

function sender({ visit, last }: StepContext): string {
  return portName(visit.passage.trace.ids, last.inPort) ?? `port ${last.inPort}`;
}

const gateway = (context: StepContext): string => nameOf(context, context.end?.dstMac);

const itsNetwork = ({ visit: { passage } }: StepContext): string =>
  networkOfPort(passage, passage.inPort);

function nameOf({ names }: StepContext, mac: string | undefined): string {
  return mac === undefined ? '?' : macName(names, mac) ?? mac;
}

function taggedWith({ visit, last }: StepContext): string {
  const network = localVlanName(visit.passage.trace.ids, last.localVlan.after);
  return network === undefined ? '' : `, tagged with ${network}'s local VLAN`;
}

function rewritten(context: StepContext): string | undefined {
  const { start, end } = context;
  return start?.srcMac === end?.srcMac
    ? 'MACs stay as they are'
    : `source MAC replaced by the ${nameOf(context, end?.srcMac)}`;
}

function strippedLocalVlan({ visit, last }: StepContext): string | undefined {
  return visit.records[0].localVlan.before !== 0 && last.localVlan.after === 0
    ? 'local VLAN stripped'
    : undefined;
}

function addedLocalVlan({ last, visit }: StepContext): string | undefined {
  if (last.localVlan.after === 0) return undefined;
  const network = localVlanName(visit.passage.trace.ids, last.localVlan.after);
  return network === undefined ? 'local VLAN added' : `local VLAN of ${network} added`;
}

function recognised(context: StepContext): string | undefined {
  const [before, after] = [context.start?.srcMac, context.end?.srcMac];
  if (before === after) return undefined;
  return `${nameOf(context, before)} recognised and replaced by ${nameOf(context, after)}`;
}
