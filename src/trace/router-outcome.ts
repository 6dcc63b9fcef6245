/**
 * How a walk ended that went into a router namespace and was not seen to come out: the router itself
 * was meant and answered, it refused, nobody has the address, or the packet is lost in there. The kernel
 * leaves no trace records, so each is told from frames that it did put out, or from the view.
 */
import type { Ip } from './frame.js';
import type { Passage, Walked } from './passage.js';
import type { WalkEnd, WalkOutcome, WalkStep } from './walk-model.js';

/** A drop that is known from the view: what the walk sees until its deadline may prove it wrong. */
export const kUnknownAddress = 'unknown_address';

export function insideRouter(
  last: Passage, step: WalkStep, { names, destination }: Walked, all: readonly Passage[],
): WalkOutcome {
  const inward = names.macOwner(last.end?.dstMac ?? '');
  const router = inward?.kind === 'router' ? inward.router : '?';
  const said = all.filter(({ from, trace }) => from === 'router' && trace === last.trace);
  const isOwn = names.isAddressOfRouter(destination.ip, router);
  if (isOwn && said.some((passage) => isAnswerOf(passage, destination.ip))) {
    const to = `router ${router} (${destination.ip} is its own address)`;
    return { kind: 'delivered', to, node: step.node };
  }
  if (names.isVacant(destination.ip, router)) return unknownAddress(step.node, router, destination);
  const inside = `ip netns exec qrouter-${router} ip`;
  const hint = `on ${step.node}: ${inside} route get ${destination.ip}; ${inside} neigh show`;
  const complaint = said.find(({ direction }) => direction === 'error')?.start?.ip;
  if (complaint !== undefined) {
    const sentence = `router ${router} answered: ${complaintText(complaint)}`;
    return {
      kind: 'dropped', step: 'EW2', node: step.node, reason: 'router_refused', sentence, hint,
    };
  }
  const sentence = isOwn
    ? `router ${router} has ${destination.ip} itself, took the echo in and did not answer it`
    : `router ${router} took the frame in and put nothing out`;
  return { kind: 'lost', step: 'EW2', missing: 'EW3', node: step.node, sentence, hint };
}

/**
 * The router asks for such an address for three seconds, and says so to each walk or to none, as it
 * likes: the view is what makes this outcome the same every time.
 */
function unknownAddress(node: string, router: string, { name, ip }: WalkEnd): WalkOutcome {
  const who = name === undefined ? `no port has ${ip}` : `${name}, which has ${ip}, is bound to no node`;
  return {
    kind: 'dropped', step: 'EW2', node, reason: kUnknownAddress,
    sentence: `${who}, so router ${router} has no neighbour entry for it`,
    hint: name === undefined ? 'dvr port list' : `dvr port attach ${name} --netns PATH`,
  };
}

function isAnswerOf({ direction, start }: Passage, ip: string): boolean {
  return direction === 'reply' && start?.ip?.src === ip;
}

/** By "type/code" of ICMP (RFC 792, RFC 1812) and of ICMPv6 (RFC 4443). */
const complaints: Readonly<Record<4 | 6, Readonly<Record<string, string>>>> = {
  4: {
    '3/0': 'no route to the network',
    '3/1': 'the host is unreachable (nobody answers for its address)',
    '3/4': 'fragmentation needed: the packet is larger than the MTU behind it',
    '3/13': 'forbidden by a rule',
    '11/0': 'TTL exceeded',
  },
  6: {
    '1/0': 'no route to the network',
    '1/1': 'forbidden by a rule',
    '1/3': 'the address is unreachable (nobody answers for it)',
    '2/0': 'packet too big for the MTU behind it',
    '3/0': 'hop limit exceeded',
  },
};

function complaintText({ version, icmp }: Ip): string {
  const { type, code } = icmp ?? { type: -1, code: -1 };
  return complaints[version][`${type}/${code}`] ?? `ICMP type ${type} code ${code}`;
}
