/**
 * The API for what Neutron has no word for, /dvr/v1/…: one table of routes, each of which parses, asks the
 * controller and shows. The table is what is served, and what the OpenAPI document tells.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { withElected } from '../model/elected.js';
import { DvrError } from '../model/errors.js';
import { parseTopology } from '../model/topology.js';
import { MAX_FILE_BYTES } from '../model/yaml-reader.js';
import { CALL_DEADLINE_MS } from './agent-session.js';
import { attach, ATTACH_WAIT_MS, detach, remove, type PlugOptions } from './attach.js';
import type { AgentStream } from './agent-stream.js';
import { parseAttachRequest, parseNodeCall, parsePortChanges } from './api-input.js';
import type { Controller } from './controller.js';
import { exportTopology } from './export-topology.js';
import { migrationRoutes } from './migration-routes.js';
import { nodeOf } from './node-commands.js';
import { openApi, type Body, type RouteDescription } from './openapi.js';
import { portOf } from './port-commands.js';
import { portNamed } from './port-reference.js';
import { currentWinners, portStatus, statusOf } from './status.js';
import { changesBetween } from './store/intent-keys.js';

/** How long people are kept waiting; tests are impatient. */
export interface Waits {
  readonly attachWaitMs?: number;
  readonly callDeadlineMs?: number;
}

interface Call {
  /** What the path names, where it names something. */
  readonly name: string;
  readonly body: unknown;
}

export interface Route extends RouteDescription {
  /** The answer; undefined where there is nothing to say. */
  readonly run: (call: Call) => unknown;
}

export const PREFIX = '/dvr/v1';

export function addRoutes(
  app: FastifyInstance,
  controller: Controller,
  agents: AgentStream,
  waits: Waits,
): void {
  const routes = [
    ...listRoutes(controller, agents),
    ...nodeRoutes(controller, agents, waits),
    ...portRoutes(controller, agents, waits),
    ...topologyRoutes(controller),
  ];
  const description: Route = {
    method: 'GET',
    path: '/openapi.json',
    summary: 'This API, as OpenAPI tells it',
    run: () => openApi(PREFIX, [...routes, description]),
  };
  for (const route of [...routes, description])
    if (route.body?.isText === true) void app.register((scope) => addTextRoute(scope, route));
    else addRoute(app, route);
}

function listRoutes(controller: Controller, agents: AgentStream): readonly Route[] {
  const status = (): ReturnType<typeof statusOf> => statusOf(controller, agents.isConnected);
  const list = (path: string, what: string, run: () => unknown): Route => ({
    method: 'GET',
    path,
    summary: `All ${what}, and how far they have come`,
    run,
  });
  return [
    {
      method: 'GET',
      path: '/status',
      summary: 'Everything there is, and how far the nodes have come with it',
      run: status,
    },
    list('/nodes', 'nodes', () => status().nodes),
    list('/networks', 'networks', () => status().networks),
    list('/routers', 'routers', () => status().routers),
    list('/ports', 'ports', () => status().ports),
    list('/external-networks', 'external networks', () => status().externalNetworks),
    list('/floating-ips', 'floating IPs', () => status().floatingIps),
  ];
}

const callBody: Body = {
  properties: {
    method: { type: 'string', description: 'what the agent is asked: its tables, drops, a walk …' },
    params: { type: 'object' },
  },
  required: ['method'],
};

function nodeRoutes(
  controller: Controller,
  agents: AgentStream,
  { callDeadlineMs = CALL_DEADLINE_MS }: Waits,
): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/nodes/{name}/view',
      summary: 'What the node is told: all that its agent derives rows and namespaces from',
      run: ({ name }) => {
        nodeOf(controller.intent, name);
        const view = controller.view(name);
        return view && withElected(view, currentWinners(controller, agents.isConnected));
      },
    },
    {
      method: 'POST',
      path: '/nodes/{name}/call',
      summary: "Asks the node's agent something, and answers with its result",
      body: callBody,
      run: async ({ name, body }) => {
        nodeOf(controller.intent, name);
        const { method, params } = parseNodeCall(body);
        return { result: await agents.call(name, method, params, callDeadlineMs) };
      },
    },
  ];
}

const attachBody: Body = {
  properties: {
    network: { type: 'string', description: 'for a port that is yet to be made' },
    node: { type: 'string' },
    ip: { type: 'string' },
    netns: { type: 'string', description: 'path of a network namespace; this, pid or dev' },
    pid: { type: 'integer', description: 'a process in the network namespace' },
    dev: { type: 'string', description: 'a device that the node has already' },
    ifname: { type: 'string', description: 'what the device is called inside; eth0' },
  },
};

const changesBody: Body = {
  properties: {
    ips: { type: 'array', items: { type: 'string' } },
    allowedAddressPairs: {
      type: 'array',
      items: { type: 'object', properties: { ip: { type: 'string' }, mac: { type: 'string' } } },
    },
    mac: { type: 'string' },
  },
};

function portRoutes(
  controller: Controller,
  agents: AgentStream,
  { attachWaitMs = ATTACH_WAIT_MS }: Waits,
): readonly Route[] {
  const plug: PlugOptions = { isConnected: agents.isConnected, waitMs: attachWaitMs };
  const port = (text: string): string => portNamed(controller.intent, text);
  return [
    {
      method: 'POST',
      path: '/ports/{name}/attach',
      summary: 'Plugs the port in on a node, and makes it first where there is none',
      body: attachBody,
      run: async ({ name, body }) =>
        portStatus(controller, await attach(controller, parseAttachRequest(port(name), body), plug)),
    },
    {
      method: 'POST',
      path: '/ports/{name}/detach',
      summary: 'Unplugs the port, and deletes it where attach had made it',
      run: async ({ name }) => await detach(controller, port(name), plug),
    },
    {
      method: 'PATCH',
      path: '/ports/{name}',
      summary: 'Changes addresses of the port',
      body: changesBody,
      run: async ({ name: text, body }) => {
        const name = port(text);
        await controller.execute({ command: 'updatePort', name, changes: parsePortChanges(body) });
        return portStatus(controller, portOf(controller.intent, name));
      },
    },
    {
      method: 'DELETE',
      path: '/ports/{name}',
      summary: 'Deletes the port',
      run: async ({ name }) => await remove(controller, port(name), plug),
    },
    ...migrationRoutes(controller, plug, port),
  ];
}

const topologyBody: Body = {
  isText: true,
  properties: {},
};

function topologyRoutes(controller: Controller): readonly Route[] {
  return [applyRoute(controller), {
    method: 'GET',
    path: '/topology',
    summary: 'What there is as a topology file, in YAML: applied here it changes nothing',
    run: () => exportTopology(controller.intent),
  }];
}

function applyRoute(controller: Controller): Route {
  return {
    method: 'PUT',
    path: '/topology',
    summary: 'Changes what differs from the topology file, and nothing else',
    body: topologyBody,
    run: async ({ body }) => {
      if (typeof body !== 'string')
        throw new DvrError(
          'DVR_USAGE',
          'the topology is missing',
          'send it as text/yaml or application/json',
        );
      const before = controller.intent;
      await controller.execute({ command: 'applyTopology', topology: parseTopology(body) });
      const changed = changesBetween(before, controller.intent).length > 0;
      return { generation: controller.intent.generation, changed };
    },
  };
}

function addRoute(app: FastifyInstance, { method, path, run }: Route): void {
  const url = PREFIX + path.replaceAll(/\{(\w+)\}/g, ':$1');
  const handler = async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    const { name = '' } = request.params as { readonly name?: string };
    const answer = await run({ name, body: request.body });
    if (answer === undefined) return await reply.code(204).send();
    return typeof answer === 'string' ? await reply.type('application/yaml').send(answer) : answer;
  };
  app.route({ method, url, handler });
}

/** In a scope of its own, since here JSON is read as the YAML it is: faults then have lines. */
async function addTextRoute(scope: FastifyInstance, route: Route): Promise<void> {
  scope.removeAllContentTypeParsers();
  // One byte more than the reader takes, so that it is the reader who says what is too large.
  scope.addContentTypeParser(
    ['text/yaml', 'application/yaml', 'application/json'],
    { parseAs: 'string', bodyLimit: MAX_FILE_BYTES + 1 },
    (_request, body, done) => done(null, body),
  );
  addRoute(scope, route);
}
