/**
 * Which network node does a router's source NAT: where the file says, else where it was before, else the
 * one with the fewest routers. Moving a router moves its connections, so nothing moves for balance alone.
 * The others that could stand by, and take over by themselves (src/agents/snat/election.ts).
 */
import type { Name } from '../../model/identifiers.js';
import { MAX_SNAT_NODES } from '../../model/limits.js';
import { remembered } from '../../model/remembered.js';
import type { ExternalNetworkIntent, GatewayIntent, Node } from '../../model/resources.js';
import { isSnatCandidate } from '../../model/uplinks.js';

export interface SnatWish {
  readonly router: Name;
  readonly gateway: GatewayIntent;
  readonly network: ExternalNetworkIntent;
  readonly before: Name | undefined;
}

/** By router; one that no network node has the uplink for is not in it. `nodes` and `wishes` by name. */
export function scheduleSnat(
  nodes: readonly Node[],
  wishes: readonly SnatWish[],
): ReadonlyMap<Name, Name> {
  const chosen = new Map<Name, Name>();
  const loads = new Map<Name, number>();
  const choose = ({ router }: SnatWish, node: Name): void => {
    chosen.set(router, node);
    loads.set(node, (loads.get(node) ?? 0) + 1);
  };
  const open = wishes.filter((wish) => {
    const names = candidatesOf(nodes, wish);
    const node = [wish.gateway.node, wish.before].find((one) => one !== undefined && names.includes(one));
    if (node !== undefined) choose(wish, node);
    return node === undefined;
  });
  for (const wish of open) {
    const load = (node: Name): number => loads.get(node) ?? 0;
    const [node] = candidatesOf(nodes, wish).toSorted((left, right) => load(left) - load(right));
    if (node !== undefined) choose(wish, node);
  }
  return chosen;
}

/** The nodes that may do the source NAT of a router that was given to `chosen`: that one first. */
export function snatCandidates(
  nodes: readonly Node[],
  network: ExternalNetworkIntent,
  chosen: Name,
): readonly Name[] {
  const others = candidatesOf(nodes, { network }).filter((name) => name !== chosen);
  return [chosen, ...others].slice(0, MAX_SNAT_NODES);
}

function candidatesOf(nodes: readonly Node[], { network: { physicalNetwork } }: Pick<SnatWish, 'network'>): readonly Name[] {
  const known = candidates(nodes);
  const found = known.get(physicalNetwork)
    ?? nodes.filter((node) => isSnatCandidate(node, physicalNetwork)).map(({ name }) => name);
  known.set(physicalNetwork, found);
  return found;
}

/** By physical network; there may be as many routers that ask as there are nodes. */
const candidates = remembered((_nodes: readonly Node[]) => new Map<Name, readonly Name[]>());
