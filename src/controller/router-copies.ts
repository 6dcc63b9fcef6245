/**
 * Where routers are: on each node with a bound port on any of their networks, on the network nodes
 * that do their source NAT or could, and wherever another router is that has them as a next hop: who sends to a router
 * sends to the copy beside it, for no router MAC crosses the wire.
 */
import { withoutPrefix } from '../model/addresses.js';
import type { Node, Router } from '../model/resources.js';
import { byName, type Intent } from './intent.js';
import { l2Population } from './l2-population.js';
import { snatNodesOf } from './snat-nodes.js';

/** Nodes that hold a copy of the router, by name. */
export function nodesOfRouter(intent: Intent, router: Router): readonly Node['name'][] {
  return byName(intent.nodes)
    .map(({ name }) => name)
    .filter((node) => routersOn(intent, node).includes(router));
}

/** Whether the node has a use of its own for the router. */
export function hasCopy(intent: Intent, { id, interfaces }: Router, node: string): boolean {
  if (snatNodesOf(intent, intent.gateways.get(id)).some((name) => name === node)) return true;
  const networks = l2Population(intent).networksOn(node);
  return interfaces.some(({ network }) => networks.has(network));
}

/** Intents never change, so what was derived from one stays right. */
const derived = new WeakMap<Intent, ReadonlyMap<string, readonly Router[]>>();

/** The routers that have a copy on the node, by name. */
export function routersOn(intent: Intent, node: string): readonly Router[] {
  const known = derived.get(intent) ?? derive(intent);
  derived.set(intent, known);
  return known.get(node) ?? [];
}

function derive(intent: Intent): ReadonlyMap<string, readonly Router[]> {
  const routers = byName(intent.routers);
  const nextHops = nextHopsAmong(routers);
  return new Map(
    byName(intent.nodes).map(({ name }) => {
      const here = new Set(routers.filter((router) => hasCopy(intent, router, name)));
      // A set is walked to its end, past what is added meanwhile: next hops have next hops.
      for (const router of here) for (const next of nextHops.get(router) ?? []) here.add(next);
      return [name, here.size === 0 ? [] : routers.filter((router) => here.has(router))];
    }),
  );
}

/** The routers that a router's routes lead to, each by its address in a network of both. */
function nextHopsAmong(routers: readonly Router[]): ReadonlyMap<Router, readonly Router[]> {
  const owners = new Map(
    routers.flatMap((router) =>
      router.interfaces.flatMap(({ network, addresses }) =>
        addresses.map((address) => [`${network} ${withoutPrefix(address)}`, router] as const),
      ),
    ),
  );
  return new Map(
    routers
      .filter(({ routes }) => routes.length > 0)
      .map((router) => [
        router,
        router.routes.flatMap(({ via }) =>
          router.interfaces.flatMap(({ network }) => owners.get(`${network} ${via}`) ?? []),
        ),
      ]),
  );
}
