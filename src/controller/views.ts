/**
 * What each node must know, derived from the state: intent in, one NodeView a node out, nothing else.
 *
 * A router has a copy on exactly the nodes with a bound port on any of its networks, and a node knows
 * the networks of its own ports and of its routers. So a port on a network that a node has nothing to
 * do with leaves that node's view as it was, and the node is not told.
 */
import type { NetworkView, NodeView, PeerView, PortView, RouterView } from '../model/node-view.js';
import { DvrError } from '../model/errors.js';
import { MAX_VIEW_BYTES } from '../model/limits.js';
import { mtuCeiling } from '../model/mtu.js';
import type { Network, Node, Router } from '../model/resources.js';
import { routerIpsOf } from '../model/topology-routers.js';
import { byName, type Intent } from './intent.js';
import { l2Population, type BoundPort, type L2Population } from './l2-population.js';
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

/** Nodes that hold a copy of the router, by name. */
export function nodesOfRouter(intent: Intent, router: Router): readonly string[] {
  const population = l2Population(intent);
  return byName(intent.nodes)
    .map(({ name }) => name)
    .filter((node) => hasCopy(router, population.networksOn(node)));
}

/** MTU of a network: its wish, or all that the smallest underlay leaves. */
export function networkMtu(intent: Intent, network: Network): number {
  return network.mtuBytes ?? mtuCeiling(intent.nodes.values())?.mtuBytes ?? 0;
}

function viewOf(intent: Intent, population: L2Population, node: Node): ViewContent {
  const own = population.networksOn(node.name);
  const routers = byName(intent.routers).filter((router) => hasCopy(router, own));
  const known = new Set([
    ...own,
    ...routers.flatMap((router) => router.interfaces.map(({ network }) => network)),
  ]);
  const networks = byName(intent.networks).filter(({ name }) => known.has(name));
  return {
    node: { name: node.name, vtepIp: node.vtepIp, dvrMac: node.dvrMac },
    peers: peersOf(intent, node),
    networks: networks.map((network) => networkView(intent, population, network, node)),
    routers: routers.map(routerView),
    localPorts: population.portsOn(node.name).map((port) => ({
      name: port.name,
      network: port.network,
      portSecurity: port.portSecurity,
      ...(port.binding.attachment === undefined ? {} : { attachment: port.binding.attachment }),
    })),
  };
}

function hasCopy(router: Router, networksOnNode: ReadonlySet<string>): boolean {
  return router.interfaces.some(({ network }) => networksOnNode.has(network));
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
    subnets: network.subnets.map(({ cidr, gatewayIp }) => ({
      cidr,
      ...(routerIps.has(gatewayIp) ? { gatewayIp } : {}),
    })),
    ports: portViews(population.portsOf(network.name)),
    routerInterfaces: routers.flatMap((router) =>
      router.interfaces
        .filter((routerInterface) => routerInterface.network === network.name)
        .map(({ mac, addresses }) => ({ routerId: router.id, mac, addresses })),
    ),
    floodVteps: population.floodVteps(network.name, node.name),
  };
}

/** One list for all nodes of the network: view-text.ts writes it once. */
function portViews(ports: readonly BoundPort[]): readonly PortView[] {
  const known = derivedPorts.get(ports);
  if (known !== undefined) return known;
  const views = ports.map(portView);
  derivedPorts.set(ports, views);
  return views;
}

const derivedPorts = new WeakMap<readonly BoundPort[], readonly PortView[]>();

function portView(port: BoundPort): PortView {
  return {
    name: port.name,
    mac: port.mac,
    ips: port.ips,
    node: port.binding.node,
    allowedAddressPairs: port.allowedAddressPairs.map(({ ip, mac }) => ({
      ip,
      mac: mac ?? port.mac,
    })),
  };
}

function routerView({ id, interfaces, routes, routing }: Router): RouterView {
  return {
    id,
    interfaces: interfaces.map(({ network, mac, addresses }) => ({ network, mac, addresses })),
    routes,
    routing,
  };
}
