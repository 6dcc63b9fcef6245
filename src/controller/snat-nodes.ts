/** Which nodes may do a router's source NAT: the one to begin with first, then those that stand by. */
import type { Gateway, Node } from '../model/resources.js';
import { snatCandidates } from './allocators/snat-node.js';
import { byName, type Intent } from './intent.js';

/** None where no network node has an uplink to the gateway's network. */
export function snatNodesOf(intent: Intent, gateway: Gateway | undefined): readonly Node['name'][] {
  const network = gateway && intent.externalNetworks.get(gateway.network);
  if (gateway?.node === undefined || network === undefined) return [];
  return snatCandidates(byName(intent.nodes), network, gateway.node);
}
