/**
 * What each node must know, derived from the state: intent in, one NodeView a node out, nothing else.
 *
 * A node knows the networks of its own ports and of the routers that it has a copy of
 * (router-copies.ts). So a port on a network that a node has nothing to do with leaves that node's view
 * as it was, and the node is not told.
 */
import type { NetworkView, NodeView, PeerView, RouterView } from '../model/node-view.js';
import { DvrError } from '../model/errors.js';
import { MAX_VIEW_BYTES } from '../model/limits.js';
import { mtuCeiling } from '../model/mtu.js';
import type { Network, Node, Router } from '../model/resources.js';
import { routerIpsOf } from '../model/topology-routers.js';
import { externalNetworkViews, gatewayView } from './external-views.js';
import { placedFloatingIps } from './floating-ips.js';
import { byName, type Intent } from './intent.js';
import { l2Population, type L2Population } from './l2-population.js';
import { routersOn } from './router-copies.js';
import { viewText } from './view-text.js';

/** A view without the stamp: what is compared to see whether a node must be told. */
export type ViewContent = Omit<NodeView, 'generation'>;

export interface Views {
  readonly content: ReadonlyMap<string, ViewContent>;
  /** The content as text, by node: two are equal when their texts are. */
  readonly text: ReadonlyMap<string, string>;
}

/** Intents never change, so what was derived from one stays right. */
const derived = new WeakMap<Intent, Views>();

export function viewsOf(intent: Intent): Views {
  const known = derived.get(intent);
  if (known !== undefined) return known;
  const population = l2Population(intent);
  const content = new Map(
    byName(intent.nodes).map((node) => [node.name as string, viewOf(intent, population, node)]),
  );
  const text = new Map([...content].map(([node, view]) => [node, viewText(view)]));
  const views = { content, text };
  derived.set(intent, views);
  return views;
}

/** Whether any node would have to be told of the step from one intent to the other. */
export function differ(left: Views, right: Views): boolean {
  return (
    left.text.size !== right.text.size ||
    [...left.text].some(([node, text]) => right.text.get(node) !== text)
  );
}

/** A view that has grown past what a message carries, as the error of the command that makes it grow. */
export function tooLarge(before: Views, { text }: Views): DvrError | undefined {
  const found = [...text].find(
    ([node, view]) =>
      view.length > MAX_VIEW_BYTES && view.length > (before.text.get(node)?.length ?? 0),
  );
  if (found === undefined) return undefined;
  const [node, view] = found;
  return new DvrError(
    'DVR_CONFLICT',
    `what node ${node} must know would take ${view.length} bytes, more than ${MAX_VIEW_BYTES}`,
    'use fewer allowed address pairs, or fewer networks with ports on one node',
  );
}

/** MTU of a network: its wish, or all that the smallest underlay leaves. */
export function networkMtu(intent: Intent, network: Network): number {
  return network.mtuBytes ?? mtuCeiling(intent.nodes.values())?.mtuBytes ?? 0;
}

function viewOf(intent: Intent, population: L2Population, node: Node): ViewContent {
  const own = population.networksOn(node.name);
  const routers = routersOn(intent, node.name);
  const known = new Set([
    ...own,
    ...routers.flatMap((router) => router.interfaces.map(({ network }) => network)),
  ]);
  const networks = byName(intent.networks).filter(({ name }) => known.has(name));
  return {
    node: { name: node.name, vtepIp: node.vtepIp, dvrMac: node.dvrMac },
    peers: peersOf(intent, node),
    networks: networks.map((network) => networkView(intent, population, network, node)),
    routers: routers.map((router) => routerView(intent, router, node)),
    externalNetworks: externalNetworkViews(intent, routers, node),
    localPorts: population.portsOn(node.name).map((port) => ({
      name: port.name,
      network: port.network,
      portSecurity: port.portSecurity,
      ...(port.binding.attachment === undefined ? {} : { attachment: port.binding.attachment }),
    })),
  };
}

function peersOf(intent: Intent, self: Node): readonly PeerView[] {
  const nodes = byName(intent.nodes)
    .filter((node) => node !== self)
    .map(({ name, vtepIp, dvrMac }) => ({ name, vtepIp, dvrMac, interop: false }));
  return [
    ...nodes,
    ...byName(intent.interopVteps).map(({ name, vtepIp }) => ({ name, vtepIp, interop: true })),
  ];
}

function networkView(
  intent: Intent,
  population: L2Population,
  network: Network,
  node: Node,
): NetworkView {
  const routers = byName(intent.routers);
  const routerIps = routerIpsOf(routers, network.name);
  return {
    name: network.name,
    vni: network.vni,
    mtuBytes: networkMtu(intent, network),
    // Without a router VMs get no default route: nobody would answer for the gateway.
    subnets: network.subnets.map(({ cidr, gatewayIp, ipv6 }) => ({
      cidr,
      ...(routerIps.has(gatewayIp) ? { gatewayIp } : {}),
      ...(ipv6 === undefined ? {} : { ipv6 }),
    })),
    ports: population.portsOf(network.name),
    routerInterfaces: routers.flatMap((router) =>
      router.interfaces
        .filter((routerInterface) => routerInterface.network === network.name)
        .map(({ mac, addresses }) => ({ routerId: router.id, mac, addresses })),
    ),
    floodVteps: population.floodVteps(network.name, node.name),
  };
}

function routerView(intent: Intent, router: Router, node: Node): RouterView {
  const { id, interfaces, routes, routing } = router;
  const gateway = gatewayView(intent, router, node);
  const floatingIps = placedFloatingIps(intent).on(node.name, id);
  return {
    id,
    interfaces: interfaces.map(({ network, mac, addresses }) => ({ network, mac, addresses })),
    routes,
    routing,
    ...(gateway === undefined ? {} : { gateway, floatingIps }),
  };
}
