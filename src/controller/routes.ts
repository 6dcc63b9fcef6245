/** The API for people, /dvr/v1/…: thin, each route parses, asks the controller and shows. */
import type { FastifyInstance } from 'fastify';
import { withElected } from '../model/elected.js';
import { DvrError } from '../model/errors.js';
import { parseTopology } from '../model/topology.js';
import { MAX_FILE_BYTES } from '../model/yaml-reader.js';
import { CALL_DEADLINE_MS } from './agent-session.js';
import { attach, ATTACH_WAIT_MS, detach, remove, type PlugOptions } from './attach.js';
import type { AgentStream } from './agent-stream.js';
import { parseAttachRequest, parseNodeCall, parsePortChanges } from './api-input.js';
import type { Controller } from './controller.js';
import { nodeOf } from './node-commands.js';
import { portOf } from './port-commands.js';
import { currentWinners, portStatus, statusOf } from './status.js';

interface Named {
  Params: { name: string };
}

/** How long people are kept waiting; tests are impatient. */
export interface Waits {
  readonly attachWaitMs?: number;
  readonly callDeadlineMs?: number;
}

export function addRoutes(
  app: FastifyInstance,
  controller: Controller,
  agents: AgentStream,
  { attachWaitMs = ATTACH_WAIT_MS, callDeadlineMs = CALL_DEADLINE_MS }: Waits,
): void {
  const plug: PlugOptions = { isConnected: agents.isConnected, waitMs: attachWaitMs };
  const status = (): ReturnType<typeof statusOf> => statusOf(controller, agents.isConnected);

  app.get('/dvr/v1/status', () => status());
  for (const list of ['nodes', 'networks', 'routers', 'ports'] as const)
    app.get(`/dvr/v1/${list}`, () => status()[list]);
  app.get('/dvr/v1/external-networks', () => status().externalNetworks);
  app.get('/dvr/v1/floating-ips', () => status().floatingIps);

  app.get<Named>('/dvr/v1/nodes/:name/view', ({ params: { name } }) => {
    nodeOf(controller.intent, name);
    const view = controller.view(name);
    return view && withElected(view, currentWinners(controller, agents.isConnected));
  });
  app.post<Named>('/dvr/v1/nodes/:name/call', async ({ params: { name }, body }) => {
    nodeOf(controller.intent, name);
    const { method, params } = parseNodeCall(body);
    return { result: await agents.call(name, method, params, callDeadlineMs) };
  });

  app.post<Named>('/dvr/v1/ports/:name/attach', async ({ params: { name }, body }) =>
    portStatus(controller, await attach(controller, parseAttachRequest(name, body), plug)),
  );
  app.post<Named>('/dvr/v1/ports/:name/detach', async ({ params: { name } }, reply) => {
    await detach(controller, name, plug);
    return await reply.code(204).send();
  });
  app.patch<Named>('/dvr/v1/ports/:name', async ({ params: { name }, body }) => {
    await controller.execute({ command: 'updatePort', name, changes: parsePortChanges(body) });
    return portStatus(controller, portOf(controller.intent, name));
  });
  app.delete<Named>('/dvr/v1/ports/:name', async ({ params: { name } }, reply) => {
    await remove(controller, name, plug);
    return await reply.code(204).send();
  });

  void app.register((scope) => addTopologyRoute(scope, controller));
}

/** In a scope of its own, since here JSON is read as the YAML it is: faults then have lines. */
async function addTopologyRoute(scope: FastifyInstance, controller: Controller): Promise<void> {
  scope.removeAllContentTypeParsers();
  // One byte more than the reader takes, so that it is the reader who says what is too large.
  scope.addContentTypeParser(
    ['text/yaml', 'application/yaml', 'application/json'],
    { parseAs: 'string', bodyLimit: MAX_FILE_BYTES + 1 },
    (_request, body, done) => done(null, body),
  );
  scope.put('/dvr/v1/topology', async ({ body }) => {
    if (typeof body !== 'string')
      throw new DvrError(
        'DVR_USAGE',
        'the topology is missing',
        'send it as text/yaml or application/json',
      );
    await controller.execute({ command: 'applyTopology', topology: parseTopology(body) });
    return { generation: controller.intent.generation };
  });
}
