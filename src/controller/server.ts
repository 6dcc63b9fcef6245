/**
 * The controller's doors: the API for people and the agents' stream on one unix socket that only root
 * may open, and on request a TCP door for agents alone, which asks for the cluster key.
 */
import { createServer, type Server } from 'node:http';
import { chmodSync, lstatSync, mkdirSync, unlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { fastify, type FastifyError, type FastifyInstance } from 'fastify';
import type { ClusterKey } from '../model/cluster-key.js';
import { DvrError } from '../model/errors.js';
import { MAX_NODES } from '../model/limits.js';
import { AgentStream } from './agent-stream.js';
import type { Controller } from './controller.js';
import type { Log } from './log.js';
import { addRoutes } from './routes.js';

export interface ServerOptions {
  readonly controller: Controller;
  readonly socketPath: string;
  /** The TCP door; no key, no door. */
  readonly tcp?: { readonly host: string; readonly port: number; readonly key: ClusterKey };
  readonly log: Log;
  readonly attachWaitMs?: number;
}

export interface RunningServer {
  /** Port of the TCP door, which is chosen by the kernel where 0 was asked for. */
  readonly tcpPort?: number;
  /** Safe to call twice. */
  close(): Promise<void>;
}

/** @throws DvrError DVR_CONFLICT where another controller has the socket, DVR_USAGE where a door cannot be opened. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const agents = new AgentStream(options.controller, options.log);
  const app = fastify({ forceCloseConnections: true });
  app.setErrorHandler(
    async (error, _request, reply) =>
      await reply
        .code(problemOf(error).status)
        .type('application/problem+json')
        .send(problemOf(error)),
  );
  app.setNotFoundHandler(async ({ method, url }) => {
    throw new DvrError(
      'DVR_NOT_FOUND',
      `there is no ${method} ${url}`,
      'the API is under /dvr/v1/',
    );
  });
  addRoutes(app, options.controller, agents, options.attachWaitMs);
  app.server.on('upgrade', (request, socket, head) => agents.upgrade(request, socket, head));
  let door: Server | undefined;
  const close = async (): Promise<void> => {
    agents.close();
    door?.close();
    door?.closeAllConnections();
    await app.close();
  };
  try {
    await listenUnix(app, options.socketPath);
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

async function listenUnix(app: FastifyInstance, path: string): Promise<void> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  await removeStaleSocket(path);
  // The socket is never open to others, not even between bind and chmod.
  const umask = process.umask(0o177);
  try {
    await app.listen({ path });
  } catch (cause) {
    throw new DvrError(
      'DVR_USAGE',
      `cannot listen on ${path}: ${(cause as Error).message}`,
      'run as root, or set DVR_RUN_DIR',
      { cause },
    );
  } finally {
    process.umask(umask);
  }
  chmodSync(path, 0o600);
}

/**
 * A socket nobody answers on is what a killed controller left; one that answers is a controller.
 * @throws DvrError DVR_CONFLICT
 */
export async function removeStaleSocket(path: string): Promise<void> {
  const file = lstatSync(path, { throwIfNoEntry: false });
  if (file === undefined) return;
  if (!file.isSocket())
    throw new DvrError('DVR_CONFLICT', `${path} is no socket`, 'move it away, or set DVR_RUN_DIR');
  if (await answers(path))
    throw new DvrError(
      'DVR_CONFLICT',
      `a controller listens on ${path} already`,
      'stop it first, or set DVR_RUN_DIR',
    );
  unlinkSync(path);
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
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
