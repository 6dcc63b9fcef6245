/**
 * The controller's doors: the API for people and the agents' stream on one unix socket that only root
 * may open, and on request a TCP door for agents alone, which asks for the cluster key.
 */
import { createServer, type Server } from 'node:http';
import { fastify, type FastifyError } from 'fastify';
import type { ClusterKey } from '../model/cluster-key.js';
import { DvrError } from '../model/errors.js';
import { MAX_NODES } from '../model/limits.js';
import { AgentStream } from './agent-stream.js';
import type { Controller } from './controller.js';
import { addFreshReads } from './fresh-reads.js';
import type { Log } from './log.js';
import { addRoutes, type Waits } from './routes.js';
import { openUnixDoor } from './unix-door.js';

export interface ServerOptions extends Waits {
  readonly controller: Controller;
  readonly socketPath: string;
  /** The TCP door; no key, no door. */
  readonly tcp?: { readonly host: string; readonly port: number; readonly key: ClusterKey };
  readonly log: Log;
}

export interface RunningServer {
  /** Port of the TCP door, which is chosen by the kernel where 0 was asked for. */
  readonly tcpPort?: number;
  /** Safe to call twice. */
  close(): Promise<void>;
}

/**
 * Opens the doors.
 * @throws DvrError DVR_CONFLICT where another controller has the socket, DVR_USAGE where none can be made.
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const agents = new AgentStream(options.controller, options.log);
  const app = fastify({ forceCloseConnections: true });
  app.setErrorHandler(async (error, { method, url }, reply) => {
    const problem = problemOf(error);
    if (problem.status >= 500 && !(error instanceof DvrError))
      options.log.warn({ method, url, error }, 'request failed');
    return await reply.code(problem.status).type('application/problem+json').send(problem);
  });
  app.setNotFoundHandler(async ({ method, url }) => {
    throw new DvrError(
      'DVR_NOT_FOUND',
      `there is no ${method} ${url}`,
      'the API is under /dvr/v1/',
    );
  });
  addFreshReads(app, options.controller);
  addRoutes(app, options.controller, agents, options);
  app.server.on('upgrade', (request, socket, head) => agents.upgrade(request, socket, head));
  let door: Server | undefined;
  let closeUnixDoor = (): void => {};
  const close = async (): Promise<void> => {
    closeUnixDoor();
    closeUnixDoor = () => {}; // By the next time another controller may have the socket.
    agents.close();
    door?.close();
    door?.closeAllConnections();
    await app.close();
  };
  try {
    closeUnixDoor = await openUnixDoor(options.socketPath, (path) => app.listen({ path }));
    door = options.tcp === undefined ? undefined : await listenTcp(agents, options.tcp);
  } catch (error) {
    await close();
    throw error;
  }
  const address = door?.address();
  return {
    close,
    ...(typeof address === 'object' && address !== null ? { tcpPort: address.port } : {}),
  };
}

async function listenTcp(
  agents: AgentStream,
  { host, port, key }: NonNullable<ServerOptions['tcp']>,
): Promise<Server> {
  const door = createServer((_request, response) => {
    response.writeHead(426, { connection: 'close' }).end();
  });
  // Each node once, and once more while it replaces its old connection.
  door.maxConnections = 2 * MAX_NODES;
  door.on('upgrade', (request, socket, head) => agents.upgrade(request, socket, head, key));
  await new Promise<void>((resolve, reject) => {
    door.on('error', (cause) =>
      reject(
        new DvrError(
          'DVR_USAGE',
          `cannot listen on ${host} port ${port}: ${cause.message}`,
          'give an address of this machine and a free port',
          { cause },
        ),
      ),
    );
    door.listen({ host, port }, resolve);
  });
  return door;
}

type Problem = Omit<ReturnType<DvrError['toProblem']>, 'code'> & { readonly code: string };

function problemOf(error: unknown): Problem {
  if (error instanceof DvrError) return error.toProblem();
  const { statusCode, message } = error as FastifyError;
  if (statusCode !== undefined && statusCode < 500) {
    return {
      ...new DvrError('DVR_USAGE', message, 'see the API under /dvr/v1/').toProblem(),
      status: statusCode,
    };
  }
  return {
    type: 'about:blank',
    title: 'internal error',
    status: 500,
    detail: message,
    code: 'internal',
    hint: 'this is a mistake of dvr; its log says more',
  };
}
