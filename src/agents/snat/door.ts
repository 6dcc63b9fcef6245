/**
 * Where the node's agent meets its SNAT agent: a unix socket, one message each way whenever there is news.
 *
 *   agent to SNAT agent   { wish: SnatWish }                     all of it, each time
 *   SNAT agent to agent   { elected: { ROUTER: NODE, … } }       all of it, each time
 */
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { dirname } from 'node:path';
import type { Log } from '../../dataplane/log.js';
import { frameMessage, readMessages, type Limits } from '../../dataplane/framing.js';
import type { Winners } from '../../model/elected.js';
import type { SnatWish } from './wish.js';

/** A wish of ten thousand routers takes about two megabytes. */
const kLimits: Limits = { headerBytes: 16 << 20, binaryBytes: 0 };
/** The agent, and the one that takes its place. */
const kMaxClients = 8;
const kConnectAgainMs = 250;

export interface Door { tell(): void; close(): void }

/** The SNAT agent's side. Whoever comes is told at once how things are. */
export async function openDoor(path: string, onWish: (wish: SnatWish) => void, winners: () => Winners): Promise<Door> {
  const clients = new Set<Socket>();
  const tell = (client: Socket): void => { client.write(frameMessage({ elected: winners() })); };
  const server = createServer((client) => {
    if (clients.size >= kMaxClients) { client.destroy(); return; }
    clients.add(client);
    client.on('error', () => { client.destroy(); });
    client.on('close', () => { clients.delete(client); });
    readMessages(client, kLimits, ({ header }) => {
      const { wish } = (header ?? {}) as { readonly wish?: SnatWish };
      if (wish !== undefined) onWish(wish);
    }, () => {});
    tell(client);
  });
  mkdirSync(dirname(path), { recursive: true });
  rmSync(path, { force: true });
  await new Promise<void>((done, failed) => { server.once('error', failed).listen(path, done); });
  chmodSync(path, 0o600);
  return {
    tell: () => { for (const client of clients) tell(client); },
    close: () => { for (const client of clients) client.destroy(); server.close(); },
  };
}

export interface SnatLink {
  /** What the SNAT agent is to do, now and after it has come anew. */
  want(wish: SnatWish): void;
  close(): void;
}

/** The agent's side. Where there is no election nobody is looked for. */
export function linkToSnat(path: string, onWinners: (winners: Winners) => void, log: Log): SnatLink {
  let wish: SnatWish | undefined;
  let socket: Socket | undefined;
  let again: NodeJS.Timeout | undefined;
  let isTold = false;
  let isClosed = false;

  const reach = (): void => {
    again = undefined;
    const opened = connect(path);
    socket = opened;
    opened.on('connect', () => { isTold = false; say(); });
    opened.on('error', () => {
      if (!isTold) log('warn', 'no SNAT agent answers: the gates of source NAT stay closed here', { path, help: 'run `dvr snat`' });
      isTold = true;
    });
    opened.on('close', () => {
      socket = undefined;
      if (!isClosed) again = setTimeout(reach, kConnectAgainMs);
    });
    readMessages(opened, kLimits, ({ header }) => {
      const { elected } = (header ?? {}) as { readonly elected?: Winners };
      if (elected !== undefined) onWinners(elected);
    }, () => {});
  };
  const say = (): void => { if (wish !== undefined && socket?.readyState === 'open') socket.write(frameMessage({ wish })); };

  return {
    want: (wanted) => {
      wish = wanted;
      if (socket === undefined && again === undefined && wanted.entries.length > 0) reach();
      else say();
    },
    close: () => { isClosed = true; clearTimeout(again); socket?.destroy(); },
  };
}
