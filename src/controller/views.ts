/**
 * What each node must know, derived from the state: intent in, one NodeView a node out, nothing else.
 *
 * A node knows the networks of its own ports and of the routers that it has a copy of
 * (router-copies.ts). So a port on a network that a node has nothing to do with leaves that node's view
 * as it was, and the node is not told.
 *
 * A view that says the same is the same object, and so is every part of it (sharing.ts): that a node must be told
 * is seen by a comparison of references.
 */
import type { ExternalNetworkView, NodeView, PeerView, RouterView } from '../model/node-view.js';
import { DvrError } from '../model/errors.js';
import { MAX_VIEW_BYTES } from '../model/limits.js';
import { remembered } from '../model/remembered.js';
import type { Node, Router } from '../model/resources.js';
import { boundPorts, type NodePorts } from './bound-ports.js';
import { externalNetworkViews } from './external-views.js';
import { byName, type Intent } from './intent.js';
import { peers } from './l2-population.js';
import { networkParts } from './network-views.js';
import { routersByNode } from './router-copies.js';
import { routerViews } from './router-views.js';
import { derivation, keptEqual, keptList, keptObject, keysChanged, made, type Made } from './sharing.js';
import { switchedOn } from './switched-on.js';
import { viewBytes } from './view-text.js';

/** A view without the stamp. */
export type ViewContent = Omit<NodeView, 'generation'>;

export interface Views {
  /** By node; the content of before wherever it says the same. */
  readonly content: ReadonlyMap<string, ViewContent>;
}

/** The views of an intent. With the intent before, the cost is that of what differs. */
export function viewsOf(intent: Intent, before?: Intent): Views {
  return views(switchedOn(intent), before && switchedOn(before));
}

/** Whether any node would have to be told of the step from one intent to the other. */
export function differ(left: Views, right: Views): boolean {
  return left !== right && keysChanged(left.content, right.content).length > 0;
}

/** A view that has grown past what a message carries, as the error of the command that makes it grow. */
export function tooLarge(before: Views, after: Views): DvrError | undefined {
  for (const node of keysChanged(before.content, after.content)) {
    const [old, view] = [before.content.get(node), after.content.get(node)];
    const bytes = view === undefined ? 0 : viewBytes(view);
    if (bytes <= MAX_VIEW_BYTES || bytes <= (old === undefined ? 0 : viewBytes(old))) continue;
    return new DvrError(
      'DVR_CONFLICT',
      `what node ${node} must know would take ${bytes} bytes, more than ${MAX_VIEW_BYTES}`,
      'use fewer allowed address pairs, or fewer networks with ports on one node',
    );
  }
  return undefined;
}

/** One node's view, and what of it need not be worked out again. */
interface Told {
  readonly content: ViewContent;
  readonly networks: Made<Known>;
  readonly routers: Made<readonly RouterView[]>;
  readonly externalNetworks: Made<readonly ExternalNetworkView[]>;
}

/** The networks that a node knows, by name. */
interface Known {
  readonly names: readonly string[];
  readonly has: (network: string) => boolean;
}

interface Derived extends Views {
  readonly told: ReadonlyMap<string, Made<Told>>;
}

const views = derivation<Derived>(
  (intent, before) => [
    intent.nodes,
    peers(intent, before),
    boundPorts(intent.ports, before?.ports).onNode,
    networkParts(intent, before),
    routersByNode(intent, before),
    routerViews(intent, before),
    intent.externalNetworks,
    intent.fgPorts,
  ],
  (intent, last, before) => {
    const changed = before === undefined ? [] : keysChanged(networkParts(before), networkParts(intent));
    const [all, { onNode }, copies] = [peers(intent), boundPorts(intent.ports), routersByNode(intent)];
    const told = new Map(byName(intent.nodes).map((node): [string, Made<Told>] => {
      const old = last?.told.get(node.name);
      const isTouched = changed.some((network) => old?.value.networks.value.has(network));
      const [ports, routers] = [onNode.get(node.name), copies.get(node.name)?.value ?? []];
      // Another symbol whenever another network that it knows has changed.
      const networks = isTouched ? Symbol('changed') : old?.of[0];
      const of = [networks, node, all, ports, routers, routerViews(intent), intent.externalNetworks, intent.fgPorts];
      return [node.name, made(old, of, (before) => tell(intent, node, routers, before))];
    }));
    return { told, content: new Map([...told].map(([node, { value }]) => [node, value.content])) };
  },
);

function tell(intent: Intent, node: Node, routers: readonly Router[], last: Told | undefined): Told {
  const { name, vtepIp, dvrMac } = node;
  const { ports, networks: own } = boundPorts(intent.ports).onNode.get(name) ?? noPorts;
  const [parts, routerView, old] = [networkParts(intent), routerViews(intent), last?.content];
  const networks = made(last?.networks, [own, routers], () => knownBy(own, routers));
  const routerList = made(last?.routers, [routers, routerView], (before) =>
    keptList(before, routers.map((router) => routerView(router, name))));
  const of = [node, routers, intent.externalNetworks, intent.fgPorts];
  const externalNetworks = made(last?.externalNetworks, of, (before) =>
    keptEqual(before, externalNetworkViews(intent, routers, node)));
  const content = keptObject(old, {
    node: keptEqual(old?.node, { name, vtepIp, dvrMac }),
    peers: keptList(old?.peers, peersOf(peers(intent), name)),
    networks: keptList(old?.networks, networks.value.names.flatMap((one) => parts.get(one)?.value.viewOn(name) ?? [])),
    routers: routerList.value,
    externalNetworks: externalNetworks.value,
    localPorts: ports,
  });
  return { content, networks, routers: routerList, externalNetworks };
}

function knownBy(own: ReadonlySet<string>, routers: readonly Router[]): Known {
  const known = new Set([...own, ...routers.flatMap(({ interfaces }) => interfaces.map(({ network }) => network))]);
  return { names: [...known].sort(), has: (network) => known.has(network) };
}

/** All but the node itself. */
function peersOf(all: readonly PeerView[], node: string): readonly PeerView[] {
  const known = othersThan(all);
  const list = known.get(node) ?? all.filter(({ name, interop }) => interop || name !== node);
  known.set(node, list);
  return list;
}

const othersThan = remembered((_all: readonly PeerView[]) => new Map<string, readonly PeerView[]>());

/** One for all, so that it is the same. */
const noPorts: NodePorts = { ports: [], networks: new Set() };
