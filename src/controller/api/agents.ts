/**
 * Agents as Neutron's clients list them: each node has one for L2 and one for L3. They are one process here
 * and say nothing to this API; all of it is what the controller knows of their node.
 */
import type { Node } from '../../model/resources.js';
import { byName, type Intent } from '../intent.js';
import { recordOf, type ResourceRecord } from '../records.js';
import { agentKey, agentTypes, type AgentType } from '../resource-index.js';
import { AVAILABILITY_ZONE } from './attributes/zones.js';
import type { ApiResource } from './collection.js';

/** What is known of a node's agent beside the intent. */
export interface Pulse {
  readonly isConnected: (node: string) => boolean;
  readonly now: () => Date;
}

/** Neutron's words for the types, by which clients ask for them. */
const wordsOf = {
  l2: { agent_type: 'Open vSwitch agent', topic: 'N/A' },
  l3: { agent_type: 'L3 agent', topic: 'l3_agent' },
} as const satisfies Readonly<Record<AgentType, object>>;

export function listAgents(intent: Intent, pulse: Pulse): readonly ApiResource[] {
  return byName(intent.nodes).flatMap((node) =>
    agentTypes.flatMap((type) => {
      const record = recordOf(intent, 'agent', agentKey(type, node.name));
      return record === undefined ? [] : [showAgent(type, node, record, pulse)];
    }),
  );
}

/** The L3 agents of the nodes. */
export function l3AgentsOf(
  intent: Intent,
  nodes: readonly string[],
  pulse: Pulse,
): readonly ApiResource[] {
  return listAgents(intent, pulse).filter(
    ({ agent_type: type, host }) =>
      type === wordsOf.l3.agent_type && nodes.some((node) => node === host),
  );
}

function showAgent(
  type: AgentType,
  { name, networkNode, vtepIp }: Node,
  { id, createdAt }: ResourceRecord,
  { isConnected, now }: Pulse,
): ApiResource {
  const alive = isConnected(name);
  const created = agentTime(createdAt);
  return {
    id,
    ...wordsOf[type],
    binary: 'dvr agent',
    host: name,
    alive,
    admin_state_up: true,
    availability_zone: AVAILABILITY_ZONE,
    description: null,
    configurations: {
      tunnel_types: ['vxlan'],
      tunneling_ip: vtepIp,
      ...(type === 'l3' ? { agent_mode: networkNode ? 'dvr_snat' : 'dvr' } : {}),
    },
    created_at: created,
    started_at: created,
    // A connection says that it lives all the time; of one that is gone no more is known than that it was made.
    heartbeat_timestamp: alive ? agentTime(now().toISOString()) : created,
    resources_synced: null,
  };
}

/** Agents' times, and only theirs, are "2026-11-22 05:01:28": clients parse them so. */
const agentTime = (rfc3339: string): string => rfc3339.slice(0, 19).replace('T', ' ');
