/** Lists of agents, and who of them has which router. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isRecord } from '../../model/untrusted.js';
import { recordById } from '../records.js';
import { nodesOfRouter } from '../router-copies.js';
import { winnersOf } from '../winners.js';
import { l3AgentsOf, listAgents } from './agents.js';
import { agentAttributes } from './attributes/agents.js';
import { unrecognized, wrapped } from './body.js';
import type { ApiResource } from './collection.js';
import { addPath, addressOf, found, parameter, write, type ApiContext } from './context.js';
import { NeutronFault, notFound } from './faults.js';
import { keysOf, uuid } from './kinds/plain.js';
import { fieldsOf, selected } from './query.js';
import { listAnswer } from './resource-routes.js';

export function addAgents(app: FastifyInstance, api: ApiContext): void {
  const all = (): readonly ApiResource[] => listAgents(api.controller.state.intent, api);
  const one = (id: string): ApiResource => {
    const agent = all().find((candidate) => candidate.id === id);
    if (agent === undefined) throw notFound('agent', id);
    return agent;
  };
  const asked = (request: FastifyRequest): ApiResource => one(parameter(request, 'id'));
  addPath(app, '/agents', {
    GET: (request) => listAnswer('agents', agentAttributes, all(), request, one),
  });
  addPath(app, '/agents/:id', {
    GET: (request) => ({ agent: selected(asked(request), fieldsOf(addressOf(request).searchParams)) }),
    PUT: (request) => {
      const agent = asked(request);
      refuseChanges(wrapped('agent', request.body));
      return { agent };
    },
  });
  addPath(app, '/agents/:id/dhcp-networks', {
    GET: (request) => {
      asked(request);
      return { networks: [] };
    },
  });
  addRouterPlaces(app, api, asked);
}

/** Which routers an L3 agent's node has a copy of; which agent does a router's source NAT. */
function addRouterPlaces(
  app: FastifyInstance,
  api: ApiContext,
  asked: (request: FastifyRequest) => ApiResource,
): void {
  addPath(app, '/agents/:id/l3-routers', {
    GET: (request) => {
      const { agent_type: type, host } = asked(request);
      const { intent } = api.controller.state;
      const isHere = (id: string): boolean => {
        const router = intent.routers.get(recordById(intent, 'router', id)?.key ?? '');
        return router !== undefined && nodesOfRouter(intent, router).some((node) => node === host);
      };
      const all = type === 'L3 agent' ? api.collections.routers.list(api.controller.state) : [];
      const routers = all.filter(({ id }) => isHere(id));
      return { routers };
    },
    POST: async (request, reply) => {
      const node = l3NodeOf(asked(request));
      const { router_id: id } = keysOf(request.body, 'router', ['router_id']);
      const router = uuid.parse(id, 'router_id');
      await write(api, request, { write: 'placeSnat', router, node });
      return await reply.code(201).type('application/json').send('null');
    },
  });
  addPath(app, '/agents/:id/l3-routers/:router', {
    DELETE: async (request, reply) => {
      const node = l3NodeOf(asked(request));
      await write(api, request, { write: 'leaveSnat', router: parameter(request, 'router'), node });
      return await reply.code(204).send();
    },
  });
  addPath(app, '/routers/:id/l3-agents', {
    GET: (request) => {
      const { id } = found(api, 'routers', parameter(request, 'id'));
      const agents = l3AgentsOf(api.controller.state.intent, snatNodesNow(api, id), api);
      return { agents: agents.map((agent) => ({ ...agent, resource_versions: {}, ha_state: null })) };
    },
  });
}

/** As Neutron does it for a distributed router: the one node that does its source NAT. */
function snatNodesNow({ controller: { state }, isConnected }: ApiContext, id: string): readonly string[] {
  const key = recordById(state.intent, 'router', id)?.key ?? '';
  const winners = winnersOf([...state.reports.values()].filter(({ node }) => isConnected(node)));
  const node = winners[key] ?? state.intent.gateways.get(key)?.node;
  return node === undefined ? [] : [node];
}

/** The node of an agent that routers can be given to. @throws NeutronFault */
function l3NodeOf({ id, agent_type: type, host }: ApiResource): string {
  if (type === 'L3 agent') return String(host);
  throw new NeutronFault('InvalidL3Agent', `Agent ${id} is not a L3 Agent or has been disabled`);
}

/** Nothing of an agent is anybody's to change. */
function refuseChanges(fields: Readonly<Record<string, unknown>>): void {
  if (!isRecord(fields)) return;
  const [key] = Object.keys(fields);
  if (key === undefined) return;
  if (!Object.hasOwn(agentAttributes, key)) throw unrecognized([key]);
  throw new NeutronFault('HTTPBadRequest', `Cannot update read-only attribute ${key}`);
}
