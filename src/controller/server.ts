/**
 * The controller's doors: the APIs and the agents' stream on one unix socket that only root may open, and on
 * request two TCP doors: for agents alone, which asks for the cluster key, and for clients on this machine,
 * which asks nobody for anything.
 */
import { createServer, type Server } from 'node:http';
import type { ClusterKey } from '../model/cluster-key.js';
import { DvrError } from '../model/errors.js';
import { MAX_NODES } from '../model/limits.js';
import { Metrics } from '../model/metrics.js';
import { AgentStream } from './agent-stream.js';
import { openDoor, type DoorAddress } from './api/door.js';
import { makeApp } from './app.js';
import type { Controller } from './controller.js';
import type { Log } from './log.js';
import { addControllerMetrics } from './metrics.js';
import type { Waits } from './routes.js';
import { openUnixDoor } from './unix-door.js';

export interface ServerOptions extends Waits {
  readonly controller: Controller;
  readonly socketPath: string;
  /** The TCP door; no key, no door. */
  readonly tcp?: { readonly host: string; readonly port: number; readonly key: ClusterKey };
  /** The door for OpenStack's clients. */
  readonly api?: DoorAddress;
  readonly log: Log;
  /** What else there is to be told is in it already. */
  readonly metrics?: Metrics;
}

export interface RunningServer {
  /** Port of the TCP door, which is chosen by the kernel where 0 was asked for. */
  readonly tcpPort?: number;
  /** Port of the door for clients, likewise. */
  readonly apiPort?: number;
  /** Safe to call twice. */
  close(): Promise<void>;
}

/**
 * Opens the doors.
 * @throws DvrError DVR_CONFLICT where another controller has the socket, DVR_USAGE where none can be made.
 */
export async function startServer(given: ServerOptions): Promise<RunningServer> {
  const options = { ...given, metrics: given.metrics ?? new Metrics() };
  const agents = new AgentStream(options.controller, options.log);
  const stopCounting = addControllerMetrics(options.metrics, options.controller, agents);
  const app = makeApp(options, agents);
  app.server.on('upgrade', (request, socket, head) => agents.upgrade(request, socket, head));
  const clients = options.api === undefined ? undefined : makeApp(options, agents);
  let apiPort: number | undefined;
  let door: Server | undefined;
  let closeUnixDoor = (): void => {};
  const close = async (): Promise<void> => {
    closeUnixDoor();
    closeUnixDoor = () => {}; // By the next time another controller may have the socket.
    stopCounting();
    agents.close();
    door?.close();
    door?.closeAllConnections();
    await clients?.close();
    await app.close();
  };
  try {
    closeUnixDoor = await openUnixDoor(options.socketPath, (path) => app.listen({ path }));
    door = options.tcp === undefined ? undefined : await listenTcp(agents, options.tcp);
    if (clients !== undefined && options.api !== undefined)
      apiPort = await openDoor(clients, options.api);
  } catch (error) {
    await close();
    throw error;
  }
  const address = door?.address();
  return {
    close,
    ...(apiPort === undefined ? {} : { apiPort }),
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
