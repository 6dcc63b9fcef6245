/**
 * What changes between two views of a node, small where they differ little: a thing that has changed is said whole, by
 * its name, and of a network its ports one by one.
 *
 * applyDelta(before, diffView(before, after)) says the same as `after`, and shares with `before` all that did not change.
 * Where both views share their parts already (the controller's do) the cost is that of what differs.
 */
import { isDeepStrictEqual } from 'node:util';
import type { ExternalNetworkView, LocalPortView, NetworkView, NodeView, PeerView, PortView, RouterView } from './node-view.js';

/** What becomes of a list of things that have names: who goes, and who comes (or has changed), in the order of places. */
export interface ListDelta<One> {
  readonly gone?: readonly string[];
  /** `at` is the place in the new list. */
  readonly put?: readonly { readonly at: number; readonly one: One }[];
}

/** What becomes of a network that stays. */
export interface NetworkDelta {
  readonly name: string;
  readonly ports?: ListDelta<PortView>;
  readonly floodVteps?: ListDelta<string>;
  /** All else of it, where any of that has changed. */
  readonly rest?: Omit<NetworkView, 'ports' | 'floodVteps'>;
}

interface Lists {
  readonly peers: PeerView;
  readonly networks: NetworkView;
  readonly routers: RouterView;
  readonly externalNetworks: ExternalNetworkView;
  readonly localPorts: LocalPortView;
}

export type ViewDelta = { readonly [List in keyof Lists]?: ListDelta<Lists[List]> } & {
  /** The generation of the view that it changes. */
  readonly from: number;
  /** The generation of the view that it makes. */
  readonly to: number;
  /** Of networks that were there and still are, after `networks`. */
  readonly changedNetworks?: readonly NetworkDelta[];
  /** All else of the view, where any of that has changed. */
  readonly rest?: Omit<NodeView, keyof Lists | 'generation'>;
};

export function diffView(before: NodeView, after: NodeView): ViewDelta {
  const old = new Map(before.networks.map((network) => [network.name, network]));
  // As a member of the list a network that stays is as it was: what changes in it is told apart.
  const standing = after.networks.map((network) => old.get(network.name) ?? network);
  const changes = after.networks.flatMap((network) => networkDelta(old.get(network.name), network) ?? []);
  return said({
    from: before.generation,
    to: after.generation,
    peers: diffList(before.peers, after.peers, peerKey),
    networks: diffList(before.networks, standing, nameOf),
    changedNetworks: changes.length === 0 ? undefined : changes,
    routers: diffList(before.routers, after.routers, idOf),
    externalNetworks: diffList(before.externalNetworks ?? [], after.externalNetworks ?? [], nameOf),
    localPorts: diffList(before.localPorts, after.localPorts, nameOf),
    rest: changed(restOf(before), restOf(after)),
  });
}

/** Undefined where the delta is not of this view: its generation is another, or what it takes away is not there. */
export function applyDelta(before: NodeView, delta: ViewDelta): NodeView | undefined {
  if (delta.from !== before.generation) return undefined;
  try {
    const { externalNetworks = [] } = before;
    return {
      ...(delta.rest ?? restOf(before)),
      generation: delta.to,
      peers: appliedTo(before.peers, delta.peers, peerKey),
      networks: networksAfter(before, delta),
      routers: appliedTo(before.routers, delta.routers, idOf),
      localPorts: appliedTo(before.localPorts, delta.localPorts, nameOf),
      ...(before.externalNetworks === undefined && delta.externalNetworks === undefined
        ? {}
        : { externalNetworks: appliedTo(externalNetworks, delta.externalNetworks, nameOf) }),
    };
  } catch (error) {
    if (error instanceof Misfit) return undefined;
    throw error;
  }
}

/** A name, or an order of places, that the list does not have. */
class Misfit extends Error {}

const nameOf = ({ name }: { readonly name: string }): string => name;
const idOf = ({ id }: RouterView): string => id;
/** A foreign VTEP may be called what a node is called. */
const peerKey = ({ name, interop }: PeerView): string => `${interop ? 'interop' : 'node'} ${name}`;
const itself = (text: string): string => text;

function restOf(view: NodeView): NonNullable<ViewDelta['rest']> {
  const { generation: _stamp, peers: _p, networks: _n, routers: _r, externalNetworks: _e, localPorts: _l, ...rest } = view;
  return rest;
}

const changed = <Value>(before: Value, after: Value): Value | undefined =>
  isDeepStrictEqual(before, after) ? undefined : after;

/** Without what is undefined, as JSON is. */
function said<Delta extends object>(fields: { readonly [Field in keyof Delta]: Delta[Field] | undefined }): Delta {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Delta;
}

function networkDelta(before: NetworkView | undefined, after: NetworkView): NetworkDelta | undefined {
  if (before === undefined || before === after) return undefined;
  const { ports: portsBefore, floodVteps: floodBefore, ...restBefore } = before;
  const { ports, floodVteps, ...rest } = after;
  const delta = said<NetworkDelta>({
    name: after.name,
    ports: diffList(portsBefore, ports, nameOf),
    floodVteps: diffList(floodBefore, floodVteps, itself),
    rest: changed(restBefore, rest),
  });
  return Object.keys(delta).length === 1 ? undefined : delta;
}

function networksAfter(before: NodeView, { networks, changedNetworks }: ViewDelta): readonly NetworkView[] {
  const standing = appliedTo(before.networks, networks, nameOf);
  if (changedNetworks === undefined) return standing;
  const changes = new Map(changedNetworks.map((change) => [change.name, change]));
  const next = standing.map((network) => {
    const change = changes.get(network.name);
    changes.delete(network.name);
    if (change === undefined) return network;
    const { ports, floodVteps, ...rest } = network;
    return {
      ...(change.rest ?? rest),
      ports: appliedTo(ports, change.ports, nameOf),
      floodVteps: appliedTo(floodVteps, change.floodVteps, itself),
    };
  });
  if (changes.size > 0) throw new Misfit();
  return next;
}

/** What all nodes of a network are told of its list is worked out once. A list must not hold all that were before it. */
const diffs = new WeakMap<object, { readonly before: WeakRef<object>; readonly delta: ListDelta<never> | undefined }>();

function diffList<One>(
  before: readonly One[],
  after: readonly One[],
  keyOf: (one: One) => string,
): ListDelta<One> | undefined {
  if (before === after) return undefined;
  const known = diffs.get(after);
  if (known?.before.deref() === before) return known.delta as ListDelta<One> | undefined;
  const delta = listDelta(before, after, keyOf);
  diffs.set(after, { before: new WeakRef(before), delta: delta as ListDelta<never> | undefined });
  return delta;
}

function listDelta<One>(
  before: readonly One[],
  after: readonly One[],
  keyOf: (one: One) => string,
): ListDelta<One> | undefined {
  const [first, last] = differing(before, after);
  const middle = before.slice(first, before.length - last);
  const old = new Map(middle.map((one, at) => [keyOf(one), { one, at }]));
  const put: { at: number; one: One }[] = [];
  let kept = -1;
  after.slice(first, after.length - last).forEach((one, at) => {
    const there = old.get(keyOf(one));
    old.delete(keyOf(one));
    // What stays keeps its order; what does not is put anew.
    if (there !== undefined && there.at > kept && isDeepStrictEqual(there.one, one)) kept = there.at;
    else put.push({ at: first + at, one });
  });
  const gone = [...old.keys()];
  if (gone.length + put.length === 0) return undefined;
  return { ...(gone.length === 0 ? {} : { gone }), ...(put.length === 0 ? {} : { put }) };
}

/** How many things at the beginning, and at the end, are the very same. */
function differing(before: readonly unknown[], after: readonly unknown[]): readonly [first: number, last: number] {
  const shorter = Math.min(before.length, after.length);
  let first = 0;
  while (first < shorter && before[first] === after[first]) ++first;
  let last = 0;
  while (last < shorter - first && before.at(-1 - last) === after.at(-1 - last)) ++last;
  return [first, last];
}

/** @throws Misfit */
function appliedTo<One>(
  list: readonly One[],
  delta: ListDelta<One> | undefined,
  keyOf: (one: One) => string,
): readonly One[] {
  if (delta === undefined) return list;
  const { gone = [], put = [] } = delta;
  const leaving = new Set([...gone, ...put.map(({ one }) => keyOf(one))]);
  const staying = list.filter((one) => !leaving.has(keyOf(one)));
  if (list.length - staying.length < gone.length) throw new Misfit();
  const next: One[] = [];
  let taken = 0;
  for (const { at, one } of put) {
    const until = taken + at - next.length;
    if (until < taken || until > staying.length) throw new Misfit();
    while (taken < until) next.push(staying[taken++] as One);
    next.push(one);
  }
  return [...next, ...staying.slice(taken)];
}
