/**
 * Where routers are: on each node with a bound port on any of their networks, and on the network node that
 * does their source NAT.
 */
import type { Node, Router } from '../model/resources.js';
import { byName, type Intent } from './intent.js';
import { l2Population } from './l2-population.js';

/** Nodes that hold a copy of the router, by name. */
export function nodesOfRouter(intent: Intent, router: Router): readonly Node['name'][] {
  return byName(intent.nodes)
    .map(({ name }) => name)
    .filter((node) => hasCopy(intent, router, node));
}

export function hasCopy(intent: Intent, { id, interfaces }: Router, node: string): boolean {
  if (intent.gateways.get(id)?.node === node) return true;
  const networks = l2Population(intent).networksOn(node);
  return interfaces.some(({ network }) => networks.has(network));
}
