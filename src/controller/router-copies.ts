/**
 * Where routers are: on each node with a bound port on any of their networks, on the network nodes
 * that do their source NAT or could, and wherever another router is that has them as a next hop: who sends to a router
 * sends to the copy beside it, for no router MAC crosses the wire.
 */
import { withoutPrefix } from '../model/addresses.js';
import { remembered } from '../model/remembered.js';
import type { Node, Router } from '../model/resources.js';
import { boundPorts } from './bound-ports.js';
import { byName, type Intent } from './intent.js';
import { derivation, keptEqual, keptList, made, type Made } from './sharing.js';
import { snatNodesOf } from './snat-nodes.js';

/** Whether a node has a use of its own for the router. */
export function usersOf(intent: Intent, { id, interfaces }: Router): (node: string) => boolean {
  const snatNodes = new Set<string>(snatNodesOf(intent, intent.gateways.get(id)));
  const { onNode } = boundPorts(intent.ports);
  return (node) => snatNodes.has(node) || interfaces.some(({ network }) => onNode.get(node)?.networks.has(network));
}

/** By node, the routers that have a copy there, by name. */
export const routersByNode = derivation<ReadonlyMap<string, Made<readonly Router[]>>>(
  (intent, before) => [
    intent.nodes,
    intent.routers,
    boundPorts(intent.ports, before?.ports).onNode,
    snatRouters(intent, before),
  ],
  (intent, last) => {
    const [{ onNode }, snat] = [boundPorts(intent.ports), snatRouters(intent)];
    const { inNetwork, nextHops } = placesOf(intent.routers);
    return new Map(byName(intent.nodes).map(({ name }) => {
      const [networks, own] = [onNode.get(name)?.networks, snat.get(name)];
      return [name, made(last?.get(name), [intent.routers, networks, own], (before) => {
        const here = new Set(own?.flatMap((id) => intent.routers.get(id) ?? []));
        for (const network of networks ?? []) for (const router of inNetwork.get(network) ?? []) here.add(router);
        // A set is walked to its end, past what is added meanwhile: next hops have next hops.
        for (const router of here) for (const next of nextHops.get(router) ?? []) here.add(next);
        return keptList(before, [...here].sort((left, right) => (left.id < right.id ? -1 : 1)));
      })];
    }));
  },
);

/** By router, the nodes that hold a copy of it, by name. */
export const nodesByRouter = derivation<ReadonlyMap<string, readonly Node['name'][]>>(
  (intent, before) => [routersByNode(intent, before)],
  (intent, last) => {
    const found = new Map<string, Node['name'][]>();
    for (const { name } of byName(intent.nodes)) {
      for (const { id } of routersByNode(intent).get(name)?.value ?? []) {
        const nodes = found.get(id) ?? [];
        nodes.push(name);
        found.set(id, nodes);
      }
    }
    return new Map([...found].map(([id, nodes]) => [id, keptList(last?.get(id), nodes)]));
  },
);

/** Nodes that hold a copy of the router, by name. */
export function nodesOfRouter(intent: Intent, { id }: Router): readonly Node['name'][] {
  return nodesByRouter(intent).get(id) ?? [];
}

/** The routers that each network node does the source NAT of, or could. */
const snatRouters = derivation<ReadonlyMap<string, readonly string[]>>(
  ({ gateways, nodes, externalNetworks }) => [gateways, nodes, externalNetworks],
  (intent, last) => {
    const found = new Map<string, string[]>();
    for (const gateway of byName(intent.gateways)) {
      for (const node of snatNodesOf(intent, gateway)) {
        const routers = found.get(node) ?? [];
        routers.push(gateway.router);
        found.set(node, routers);
      }
    }
    return new Map([...found].map(([node, routers]) => [node, keptEqual(last?.get(node), routers)]));
  },
);

interface Places {
  /** The routers with an interface in the network. */
  readonly inNetwork: ReadonlyMap<string, readonly Router[]>;
  /** The routers that a router's routes lead to, each by its address in a network of both. */
  readonly nextHops: ReadonlyMap<Router, readonly Router[]>;
}

/** Which routers stand where, by the routers alone. */
export const placesOf = remembered((all: ReadonlyMap<string, Router>): Places => {
  const routers = byName(all);
  const inNetwork = new Map<string, Router[]>();
  const owners = new Map<string, Router>();
  for (const router of routers) {
    for (const { network, addresses } of router.interfaces) {
      const here = inNetwork.get(network) ?? [];
      here.push(router);
      inNetwork.set(network, here);
      for (const address of addresses) owners.set(`${network} ${withoutPrefix(address)}`, router);
    }
  }
  const nextHops = routers.filter(({ routes }) => routes.length > 0).map((router) => [
    router,
    router.routes.flatMap(({ via }) =>
      router.interfaces.flatMap(({ network }) => owners.get(`${network} ${via}`) ?? [])),
  ] as const);
  return { inNetwork, nextHops: new Map(nextHops) };
});
