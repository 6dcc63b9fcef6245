/** Which network node does a router's source NAT, by a client's wish: it is given the router, or gives it up. */
import type { GatewayIntent, Node, Router } from '../../model/resources.js';
import { isSnatCandidate } from '../../model/uplinks.js';
import { NeutronFault } from '../api/faults.js';
import { withEntry, type Intent } from '../intent.js';
import type { ResourceRecord } from '../records.js';
import { snatNodesOf } from '../snat-nodes.js';
import { routerOfRecord } from './routers.js';

/** @throws NeutronFault where the node cannot do it */
export function placeSnat(intent: Intent, record: ResourceRecord, name: string): Intent {
  const [router, gateway] = withGateway(intent, record);
  const wire = intent.externalNetworks.get(gateway.network)?.physicalNetwork;
  const node = intent.nodes.get(name);
  if (node?.networkNode !== true)
    throw new NeutronFault(
      'DVRL3CannotAssignToDvrAgent',
      "Not allowed to manually assign a router to an agent in 'dvr' mode.",
    );
  if (wire === undefined || !isSnatCandidate(node, wire))
    throw new NeutronFault('Conflict', `Node ${name} has no uplink to ${wire}, where router ${record.id} leads.`);
  return moved(intent, router, gateway, node.name);
}

/** @throws NeutronFault where it is not the node's, or nobody else could do it */
export function leaveSnat(intent: Intent, record: ResourceRecord, name: string): Intent {
  const [router, gateway] = withGateway(intent, record);
  const [first, next] = snatNodesOf(intent, intent.gateways.get(router.id));
  if (first !== name)
    throw new NeutronFault(
      'RouterNotHostedByL3Agent',
      `The router ${record.id} is not hosted by the L3 agent of ${name}.`,
    );
  if (next === undefined)
    throw new NeutronFault(
      'Conflict',
      `No other network node has an uplink to the network that router ${record.id} leads to.`,
    );
  return moved(intent, router, gateway, next);
}

function moved(intent: Intent, router: Router, gateway: GatewayIntent, node: Node['name']): Intent {
  const changed = { ...router, gateway: { ...gateway, node } };
  return { ...intent, routers: withEntry(intent.routers, router.id, changed) };
}

function withGateway(intent: Intent, record: ResourceRecord): readonly [Router, GatewayIntent] {
  const router = routerOfRecord(intent, record);
  if (router.gateway !== undefined) return [router, router.gateway];
  throw new NeutronFault('Conflict', `Router ${record.id} has no gateway, and so no source NAT to be done.`);
}
