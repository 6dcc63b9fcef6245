/**
 * The active network node's half of sharing NAT state: whoever is to take over a router listens here.
 *
 *   standby ── "follow r1" ──► active        then only the active speaks: conntrack-feed.ts
 *
 * One TCP connection a router and standby, on the underlay, where tenants' packets never come. It asks for no
 * key: who may listen is told by address, and only what network nodes share is said.
 */
import { statSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import type { Log } from '../../dataplane/log.js';
import { Feed } from './conntrack-feed.js';
import { linesOf } from './conntrack-lines.js';

/** Also the longest a router's name may be, and more. */
const kMaxRequestBytes = 512;
/** Whoever has not said by then what to follow is let go. */
const kRequestMs = 5000;
/** Standbys times routers; one more is let go, and tries again. */
const kMaxFeeds = 1024;
/** The address may not be there yet. */
const kListenAgainMs = 1000;
/** Without traffic for so long, TCP asks whether the standby is still there. */
export const kKeepAliveMs = 5000;

export const followLine = (routerId: string): string => `follow ${routerId}`;

export interface ShareOutOptions {
  readonly listen: { readonly address: string; readonly port: number };
  /** Whether the address is another network node's. */
  readonly isPeer: (address: string) => boolean;
  readonly log: Log;
}

/** All idempotent. While nothing is offered nobody is listened to. */
export interface ShareOut {
  /** The connections of the namespace may be followed. One that is new at the same path is another. */
  offer(routerId: string, netnsPath: string): void;
  withdraw(routerId: string): void;
  close(): void;
}

interface Offer { readonly path: string; readonly inode: number; readonly feeds: Set<Feed> }

export function shareOut({ listen, isPeer, log }: ShareOutOptions): ShareOut {
  const offers = new Map<string, Offer>();
  const waiting = new Set<Socket>();
  let server: Server | undefined;
  let again: NodeJS.Timeout | undefined;

  const feedCount = (): number => [...offers.values()].reduce((sum, { feeds }) => sum + feeds.size, 0);
  const welcome = async (socket: Socket): Promise<void> => {
    const address = socket.remoteAddress ?? '';
    if (!isPeer(address) || feedCount() + waiting.size >= kMaxFeeds) { socket.destroy(); return; }
    socket.setKeepAlive(true, kKeepAliveMs);
    waiting.add(socket);
    const late = setTimeout(() => { socket.destroy(); }, kRequestMs);
    const said = linesOf(socket, kMaxRequestBytes);
    try {
      const { value: lines } = await said.next();
      clearTimeout(late);
      waiting.delete(socket);
      begin(socket, lines?.[0] ?? '');
      // Ends with the connection, or with a word more than there is to say.
      await said.next();
    } catch (error) {
      log('info', 'a standby no longer follows', { address, error });
    } finally {
      clearTimeout(late);
      waiting.delete(socket);
      socket.destroy();
    }
  };
  const begin = (socket: Socket, line: string): void => {
    const [routerId, offer] = [...offers].find(([id]) => line === followLine(id)) ?? [];
    if (offer === undefined) { socket.destroy(); return; }
    const feed = new Feed(offer.path, socket, log);
    offer.feeds.add(feed);
    socket.once('close', () => { offer.feeds.delete(feed); });
    log('info', 'a standby follows', { router: routerId, address: socket.remoteAddress });
  };
  const open = (): void => {
    const opened = createServer({ allowHalfOpen: false }, (socket) => {
      socket.on('error', () => {});
      void welcome(socket);
    });
    opened.on('error', (error) => {
      log('warn', 'standbys cannot be listened to yet', { ...listen, error });
      again = setTimeout(open, kListenAgainMs);
    });
    opened.listen(listen.port, listen.address);
    server = opened;
  };
  const shut = (): void => {
    clearTimeout(again);
    server?.close();
    server = undefined;
    for (const socket of waiting) socket.destroy();
  };
  const withdraw = (routerId: string): void => {
    for (const feed of offers.get(routerId)?.feeds ?? []) feed.close();
    offers.delete(routerId);
    if (offers.size === 0) shut();
  };
  return {
    offer(routerId, path) {
      const inode = statSync(path, { throwIfNoEntry: false })?.ino;
      const known = offers.get(routerId);
      if (known !== undefined && known.path === path && known.inode === inode) return;
      if (known !== undefined) withdraw(routerId);
      if (inode === undefined) { log('warn', 'there is no namespace to share the connections of', { path }); return; }
      offers.set(routerId, { path, inode, feeds: new Set() });
      if (server === undefined) open();
    },
    withdraw,
    close() { for (const routerId of [...offers.keys()]) withdraw(routerId); },
  };
}
