/**
 * The standby network node's half of sharing NAT state: it follows the active one, and keeps in its own SNAT
 * namespace the same connections, so that they go on when it takes over. What it is told comes from a network:
 * a line that is not exactly one of ours ends the conversation, and nothing of it reaches the kernel.
 *
 * While it cannot reach the active node it tries again, for ever, and keeps what it has: that is what it is for.
 */
import { statSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../../dataplane/log.js';
import { kMaxLineBytes } from './conntrack-connection.js';
import { ConntrackCopy } from './conntrack-copy.js';
import { linesOf } from './conntrack-lines.js';
import { followLine, kKeepAliveMs } from './conntrack-out.js';

const kFirstWaitMs = 200;
const kLongestWaitMs = 5000;
const kConnectMs = 3000;

export interface ShareInOptions {
  /** This node's own, by which the active node knows it for a peer. */
  readonly address: string;
  readonly log: Log;
}
export interface ActiveNode { readonly address: string; readonly port: number }

/** All idempotent. */
export interface ShareIn {
  /** Keeps the namespace's connections like the active node's, whatever were in it before. */
  follow(routerId: string, netnsPath: string, active: ActiveNode): void;
  /** When this returns nothing is changed any more: this node may become the active one. */
  stop(routerId: string): void;
  /** Whether a whole listing has been taken from the active node since it was first followed. */
  isCurrent(routerId: string): boolean;
  close(): void;
}

export function shareIn({ address, log }: ShareInOptions): ShareIn {
  const followed = new Map<string, Following>();
  const stop = (routerId: string): void => {
    followed.get(routerId)?.stop();
    followed.delete(routerId);
  };
  return {
    follow(routerId, path, active) {
      const inode = statSync(path, { throwIfNoEntry: false })?.ino;
      const whom = [path, String(inode), active.address, String(active.port)].join(' ');
      if (followed.get(routerId)?.whom === whom) return;
      stop(routerId);
      if (inode === undefined) { log('warn', 'there is no namespace to keep connections in', { path }); return; }
      const following = new Following(whom, routerId, path, active, address, log);
      followed.set(routerId, following);
      void following.run();
    },
    stop,
    isCurrent: (routerId) => followed.get(routerId)?.isCurrent ?? false,
    close() { for (const routerId of [...followed.keys()]) stop(routerId); },
  };
}

class Following {
  isCurrent = false;
  readonly #stopped = new AbortController();
  #socket: Socket | undefined;
  #attempt = 0;

  constructor(
    readonly whom: string, private readonly routerId: string, private readonly path: string,
    private readonly active: ActiveNode, private readonly address: string, private readonly log: Log,
  ) {}

  stop(): void {
    this.#stopped.abort();
    this.#socket?.destroy();
  }

  async run(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      await this.#session().catch((error: unknown) => { this.#complain(error); });
      const waitMs = Math.min(kLongestWaitMs, kFirstWaitMs * 2 ** Math.min(this.#attempt++, 16));
      await sleep(waitMs, undefined, { signal }).catch(() => {});
    }
  }

  /** Once, until it has gone well again. */
  #complain(error: unknown): void {
    if (this.#stopped.signal.aborted || this.#attempt > 0) return;
    this.log('warn', 'the active network node is not followed; trying again', { router: this.routerId, ...this.active, error });
  }

  /** From connecting to the end of the conversation. */
  async #session(): Promise<void> {
    const copy = new ConntrackCopy(this.path, this.#stopped.signal, () => {
      this.isCurrent = true;
      this.#attempt = 0;
    });
    const socket = connect({ host: this.active.address, port: this.active.port, localAddress: this.address });
    this.#socket = socket;
    socket.setKeepAlive(true, kKeepAliveMs);
    const late = setTimeout(() => { socket.destroy(new Error('it does not answer')); }, kConnectMs);
    socket.once('connect', () => { clearTimeout(late); });
    socket.write(`${followLine(this.routerId)}\n`);
    try {
      for await (const lines of linesOf(socket, kMaxLineBytes)) await copy.take(lines);
      throw new Error('it has ended the conversation');
    } finally {
      clearTimeout(late);
      copy.close();
      socket.destroy();
    }
  }
}
