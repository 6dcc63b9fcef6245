/**
 * A Dataplane offered on a unix socket to several clients at once: the agent, and whoever looks.
 * The other end is proxy.ts; framing.ts says how a message looks.
 *
 *   request  { id, method, … }        binary part: batch, frame or marker
 *   answer   { id, result } or { id, error: { code, message } }
 *   event    { event: DataplaneEvent }    to every client
 *
 * "handover" makes room for the next dataplane: workers stop and descriptors close before it is
 * answered, so that two processes never read one device. Descriptors live on in the agent's duplicates, and
 * the answer says which gates are open, so that source NAT does not wait for its next vote.
 */
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { DvrError } from '../model/errors.js';
import { frameMessage, kRequestLimits, readMessages, type Message } from './framing.js';
import type { Dataplane, DataplaneEvent, DeviceInfo, DeviceSpec, GateHold, MovedTap } from './interface.js';
import type { LocalDataplane } from './local.js';

/** One agent, a few commands; more is a mistake of somebody's script. */
const kMaxClients = 32;
/** Waiting bytes at which a client that does not read gets no more events that come again. */
const kMaxWaitingBytes = 8 << 20;

export interface DataplaneServer {
  /** Ends all clients and removes the socket. Safe to call twice. */
  close(): Promise<void>;
}

interface Request {
  readonly id: number;
  readonly method: string;
  readonly spec?: DeviceSpec;
  readonly place?: MovedTap;
  readonly pid?: number;
  readonly devices?: readonly DeviceInfo[];
  readonly name?: string;
  readonly portId?: number;
  readonly marker?: boolean;
  readonly gates?: readonly GateHold[];
}

type HandOver = (client: Socket, id: number) => Promise<void>;

/**
 * Listens at `path`, for root alone. `onHandover` is called once, after the answer has been written.
 * The caller has made sure that nobody else listens there.
 */
export async function serveDataplane(
  dataplane: Dataplane & Pick<LocalDataplane, 'openGates'>, path: string, onHandover: () => void,
): Promise<DataplaneServer> {
  const clients = new Set<Socket>();
  const handOver: HandOver = async (client, id) => {
    await dataplane.close();
    // The name is free before the answer is out, so that the next process can bind it at once.
    rmSync(path, { force: true });
    client.end(frameMessage({ id, result: { gates: dataplane.openGates() } }), onHandover);
  };
  const server = createServer((client) => {
    if (clients.size >= kMaxClients) { client.destroy(); return; }
    clients.add(client);
    client.on('error', () => { client.destroy(); });
    client.on('close', () => { clients.delete(client); });
    readMessages(client, kRequestLimits, (message) => {
      void answer(dataplane, client, message, handOver);
    }, () => {});
  });
  dataplane.onEvent((event) => { for (const client of clients) push(client, event); });
  await listen(server, path);
  return {
    close: async () => {
      for (const client of clients) client.destroy();
      await new Promise<void>((done) => { server.close(() => { done(); }); });
    },
  };
}

async function listen(server: Server, path: string): Promise<void> {
  mkdirSync(dirname(path), { recursive: true });
  await new Promise<void>((done, failed) => {
    server.once('error', failed);
    server.listen(path, done);
  });
  chmodSync(path, 0o600);
}

function push(client: Socket, event: DataplaneEvent): void {
  if (event.event !== 'device_gone' && client.writableLength > kMaxWaitingBytes) return;
  client.write(frameMessage({ event }));
}

async function answer(
  dataplane: Dataplane, client: Socket, message: Message, handOver: HandOver,
): Promise<void> {
  const request = message.header as Request | null;
  // The framing has seen to it that this is JSON; more than a number is not taken on trust.
  if (typeof request?.id !== 'number') { client.destroy(); return; }
  try {
    if (request.method === 'handover') { await handOver(client, request.id); return; }
    const result = (await call(dataplane, request, message.binary)) ?? {};
    client.write(frameMessage({ id: request.id, result }));
  } catch (error) {
    client.write(frameMessage({ id: request.id, error: errorOf(error) }));
  }
}

/** The addon checks every argument itself (native/node-api/convert.cc) and throws naming it. */
function call(dataplane: Dataplane, request: Request, binary: Uint8Array): Promise<unknown> {
  switch (request.method) {
    case 'hello': return dataplane.hello();
    case 'openDevice': return dataplane.openDevice(given(request, 'spec'));
    case 'adoptDevices': return dataplane.adoptDevices(given(request, 'pid'), given(request, 'devices'));
    case 'reattachDevice':
      return dataplane.reattachDevice(given(request, 'spec'), given(request, 'place')).then((device) => ({ device }));
    case 'closeDevice': return dataplane.closeDevice(given(request, 'name'));
    case 'apply': return dataplane.apply(binary);
    case 'counters': return dataplane.counters();
    case 'tables': return dataplane.tables();
    case 'setTrace': return dataplane.setTrace(request.marker === true ? binary : null);
    case 'takeTrace': return dataplane.takeTrace();
    case 'inject': return dataplane.inject(given(request, 'portId'), binary);
    case 'holdGates': return dataplane.holdGates(given(request, 'gates'));
    default: throw new DvrError('DVR_USAGE', `the dataplane has no request "${request.method}"`, '');
  }
}

function given<Name extends keyof Request>(request: Request, name: Name): NonNullable<Request[Name]> {
  const value = request[name];
  if (value === undefined) throw new DvrError('DVR_USAGE', `request "${request.method}" needs "${name}"`, '');
  return value as NonNullable<Request[Name]>;
}

function errorOf(error: unknown): { code: string; message: string } {
  const message = error instanceof Error ? error.message : String(error);
  return { code: error instanceof DvrError ? error.code : 'DVR_DATAPLANE_REFUSED', message };
}
