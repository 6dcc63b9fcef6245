/**
 * The part of a walk that leaves the cloud or comes in: what the SNAT and FIP namespaces and br-ex do, and the
 * names of the steps there. NAT is the kernel's work, told from the frames on either side of a namespace.
 */
import { routerDeviceName, snatDeviceName } from '../model/device-names.js';
import { macChanges, natChanges, ttlChange } from './field-changes.js';
import { networkOfPort, outKind, routerOf, type Passage, type Visit, type Walked } from './passage.js';
import { passedStages, type Clock, type UnnumberedStep } from './step-parts.js';

/** What comes before and after a passage in its chain. */
export interface Neighbours { readonly before: Passage | undefined; readonly after: Passage | undefined }

/** The name of a bridge's step on the way out or in; undefined for those that are east-west or in one network. */
export function outsideStepName(
  { passage, place, isRouted }: Visit, { before, after }: Neighbours, { names }: Walked,
): string | undefined {
  if (place === 'br-ex') return brExStepName(passage);
  const ip = passage.start?.ip;
  if (ip === undefined || !names.isOutside(ip.dst)) {
    return passage.from === 'router' && comesFromOutside(before, passage) ? 'FI4' : undefined;
  }
  const isTunnelBridge = place === 'br-tun';
  if (passage.from === 'tunnel') {
    return names.macOwner(passage.start?.srcMac ?? '')?.kind === 'dvr' ? isTunnelBridge ? 'NS6' : 'NS7' : undefined;
  }
  if (isRouted) return outKind(passage) === 'snat' ? 'NS8' : isTunnelBridge ? 'NS5' : 'NS4';
  if (names.macOwner(passage.start?.dstMac ?? '')?.kind !== 'router') return undefined;
  return after !== undefined && !isRedirect(passage, after) ? 'FO1' : 'NS1';
}

function brExStepName(passage: Passage): string {
  switch (passage.from) {
    case 'gateway': return "NS9'";
    case 'fip': return 'FO4';
    default: return outKind(passage) === 'gateway' ? 'NB1' : 'FI1';
  }
}

/** Whether a router's copy sent the packet on to the source NAT, as it was. */
function isRedirect(before: Passage, after: Passage): boolean {
  return after.from === 'router' && before.end?.ip?.dst === after.start?.ip?.dst && before.end?.ip?.src === after.start?.ip?.src;
}

/** Whether the router got the packet by a floating IP: from the FIP namespace, or from its own port and back. */
function comesFromOutside(before: Passage | undefined, { start }: Passage): boolean {
  return before !== undefined && (outKind(before) === 'fip' || before.end?.ip?.dst !== start?.ip?.dst);
}

/**
 * Through a router's copy to the outside: sent on to the source NAT, or translated to a floating IP and out by
 * the FIP namespace, or both ways of that at once. Undefined where the router routes inside the cloud.
 */
export function routerToOutside(
  visit: Visit, after: Passage | undefined, walked: Walked, sinceUs: Clock,
): UnnumberedStep[] | undefined {
  const { passage } = visit;
  const { names } = walked;
  if (after === undefined || !names.isOutside(passage.end?.ip?.dst ?? '')) return undefined;
  const router = routerOf(passage.end, names);
  const common = { place: `router namespace ${router}`, node: passage.trace.view.node.name };
  const first = { ...common, stages: passedStages(visit, sinceUs), timeUs: sinceUs(passage, passage.last) };
  const then = { ...common, stages: [], timeUs: sinceUs(after, after.records[0]) };
  const steps = isRedirect(passage, after) ? redirectSteps : floatingSteps;
  return steps({ passage, after, router, first, then }, walked);
}

/** A router's copy that a packet goes through on its way outside; what its first step and those after it begin with. */
interface WayThrough {
  readonly passage: Passage;
  readonly after: Passage;
  readonly router: string;
  readonly first: Omit<UnnumberedStep, 'step' | 'what' | 'changes'>;
  readonly then: Omit<UnnumberedStep, 'step' | 'what' | 'changes'>;
}

/** Sent on to the source NAT: out of the same interface, or on the network node to the SNAT namespace itself. */
function redirectSteps({ passage, after, router, first, then }: WayThrough, { names, destination }: Walked): UnnumberedStep[] {
  const network = networkOfPort(passage, passage.last.outPort);
  const device = routerDeviceName(network);
  const macs = macChanges(passage.end, after.start, names);
  const ttl = ttlChange(passage.end, after.start);
  if (passage.from === 'tunnel') {
    return [{ ...first, step: 'NS8', changes: [...ttl, ...macs],
      what: `${device} picks the frame up; ${router} forwards it to ${snatDeviceName(network)} in the SNAT namespace` }];
  }
  return [
    { ...first, step: 'NS2', changes: ttl,
      what: `${device} picks the frame up; ${router} redirects it out of the same interface, ${destination.ip} being external` },
    { ...then, step: 'NS3', changes: macs, what: `the routed frame leaves by ${device}` },
  ];
}

/** Translated to a floating IP and out by the FIP namespace, or in again by that where the destination is one of the node. */
function floatingSteps({ passage, after, router, first, then }: WayThrough, { names }: Walked): UnnumberedStep[] {
  const nat = natChanges(passage.end, after.start, names);
  const ttl = ttlChange(passage.end, after.start);
  const out: UnnumberedStep = {
    ...first, step: 'FO2', changes: nat.filter(({ field }) => field === 'source'),
    what: `${router} routes it to the FIP namespace and makes the floating IP its source`,
  };
  const inFip = { ...then, place: `FIP namespace ${names.outsideAddress(after.start?.ip?.src ?? '')?.network ?? ''}`, step: 'FO3' };
  if (after.from === 'fip') {
    const what = 'forwarded to the external network; the router and this namespace took one of the TTL each';
    return [out, { ...inFip, changes: ttl, what }];
  }
  return [
    out,
    { ...inFip, changes: [], what: 'the floating IP is one of this node: it goes back in' },
    { ...then, step: 'FI3', changes: [...nat.filter(({ field }) => field === 'destination'), ...ttl],
      what: `${router} replaces the floating IP by the fixed address and routes it to ${networkOfPort(after, after.inPort)}` },
  ];
}

/** Behind the device that the passage ended at; nothing where that is no namespace of north-south. */
export function namespaceCrossing(
  passage: Passage, after: Passage | undefined, { names }: Walked, sinceUs: Clock,
): UnnumberedStep[] {
  if (after === undefined || passage.last.next !== 'output') return [];
  const node = passage.trace.view.node.name;
  const both = [...natChanges(passage.end, after.start, names), ...ttlChange(passage.end, after.start)];
  const timeUs = sinceUs(after, after.records[0]);
  const snat = { place: 'SNAT namespace', node, timeUs, stages: [], changes: both };
  const isTranslated = both.some(({ field }) => field === 'source' || field === 'destination');
  switch (outKind(passage)) {
    case 'snat': return [{ ...snat, step: 'NS9', what: isTranslated
      ? 'the source address is replaced by the gateway address, and the packet forwarded to the external network'
      : 'the packet is forwarded to the external network as it is, without NAT' }];
    case 'gateway': return [{ ...snat, step: 'NB2', what: isTranslated
      ? 'the destination address is replaced by the private one, and the packet forwarded to the right interface'
      : 'the packet is forwarded to the right interface as it is, without NAT' }];
    case 'fip': return inByFip(passage, after, both, { node, timeUs });
    default: return [];
  }
}

function inByFip(
  passage: Passage, after: Passage, changes: UnnumberedStep['changes'], at: { readonly node: string; readonly timeUs: number },
): UnnumberedStep[] {
  const place = `FIP namespace ${networkOfPort(passage, passage.last.outPort)}`;
  const { name } = after.trace.ids.ports.find(({ id }) => id === after.inPort) ?? { name: '?' };
  return [
    { ...at, place, step: 'FI2', stages: [], changes: [], what: `the floating IP is one of this node: forwarded to router ${name}` },
    { ...at, place: `router namespace ${name}`, step: 'FI3', stages: [], changes,
      what: `the floating IP is replaced by the fixed address, and the packet routed to ${networkOfPort(after, after.inPort)}` },
  ];
}
