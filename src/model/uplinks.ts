/** Which nodes are plugged into what: a provider's wire is a physical network, by one device of the node. */
import type { Name } from './identifiers.js';
import type { NodeIntent, Provider } from './resources.js';

/** The node's device in the physical network; undefined where it has none, or is none. */
export function uplinkTo(
  node: NodeIntent | undefined,
  physicalNetwork: Name,
): Provider | undefined {
  return node?.providers.find((one) => one.physicalNetwork === physicalNetwork);
}

export function hasUplinkTo(node: NodeIntent | undefined, physicalNetwork: Name): boolean {
  return uplinkTo(node, physicalNetwork) !== undefined;
}

/** Whether the node may do the source NAT of routers with a gateway there. */
export function isSnatCandidate(node: NodeIntent, physicalNetwork: Name): boolean {
  return node.networkNode && hasUplinkTo(node, physicalNetwork);
}
