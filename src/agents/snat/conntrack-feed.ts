/**
 * What one standby is told of one namespace, for as long as it listens: first everything, then what changes.
 *
 *   kernel ── events ──► gather 100 ms ──► pending changes ──► lines ──► standby
 *          └─ a listing at the start, each minute, and when events were lost ──┘
 *
 *   listing        what is not in it the standby is to forget
 *   + tcp …        lines of conntrack-connection.ts
 *   listed         what changed meanwhile comes now
 *   + …  - …
 *
 * Nothing is kept for a slow standby but the last state of what changed; one that stands still is let go.
 */
import type { Socket } from 'node:net';
import { addon, type NetfilterSocket } from '../../dataplane/native.js';
import type { Log } from '../../dataplane/log.js';
import { hear } from './conntrack-heard.js';
import { conntrackGroups } from './conntrack-netlink.js';
import { PendingChanges } from './conntrack-pending.js';
import { listConnections } from './conntrack-table.js';

/** Connections younger than this are lost when a node dies; shorter ones are never spoken of. */
export const kGatherMs = 100;
/** How old what the standby knows of timeouts may be: the shortest of a lasting connection (UDP) is 120 s. */
export const kListingEveryMs = 60_000;
/** Between the end of a listing and another one that is needed because too much happened meanwhile. */
const kListingPauseMs = 1000;
/** A standby that takes nothing for so long is let go, or for twice as long where it has just taken something. */
const kStallMs = 10_000;

export const listingLine = 'listing';
export const listedLine = 'listed';

export class Feed {
  readonly #pending = new PendingChanges();
  readonly #events: NetfilterSocket;
  readonly #every: NodeJS.Timeout;
  #gathering: NodeJS.Timeout | undefined;
  #listing = false;
  #mustList = false;
  #closed = false;

  /** @throws an Error with `code` where there is no namespace at `path`. The feed ends with the socket. */
  constructor(private readonly path: string, private readonly to: Socket, private readonly log: Log) {
    // Heard before it is listed: between the two nothing is missed.
    this.#events = new (addon().NetfilterSocket)(path, conntrackGroups, () => { this.#gatherSoon(); });
    this.#every = setInterval(() => { this.#listSoon(); }, kListingEveryMs);
    to.setTimeout(kStallMs, () => { if (to.writableLength > 0) to.destroy(new Error('it takes nothing')); });
    to.on('drain', () => { this.#flush(); });
    to.once('close', () => { this.close(); });
    this.#listSoon();
  }

  /** Safe to call twice. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#every);
    clearTimeout(this.#gathering);
    this.#events.close();
    this.to.destroy();
  }

  #gatherSoon(): void {
    this.#gathering = setTimeout(() => { this.#gather(); }, kGatherMs);
  }

  /** One part a turn, so that a storm of events holds up nothing else. */
  #gather(): void {
    if (this.#closed) return;
    try {
      const part = this.#take();
      if (part === undefined) { this.#flush(); return; }
      for (const change of hear(part).changes) if (!this.#pending.note(change)) this.#mustList = true;
      setImmediate(() => { this.#gather(); });
    } catch (error) {
      this.#giveUp('the connections of a namespace can no longer be heard of', error);
    }
  }

  /** The standby follows anew, and finds out whether it was for once. */
  #giveUp(why: string, error: unknown): void {
    if (this.#closed) return;
    this.log('warn', why, { path: this.path, error });
    this.close();
  }

  /** Nothing: no more has come. Events that were lost are made up for by a listing. */
  #take(): Uint8Array | undefined {
    try {
      return this.#events.take();
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOBUFS')) throw error;
      this.log('info', 'more connections came and went than could be heard of; listing anew', { path: this.path });
      this.#mustList = true;
      return new Uint8Array();
    }
  }

  /** What waits goes out when the standby has taken what went before, and never amid a listing. */
  #flush(): void {
    if (this.#closed || this.#listing || this.to.writableNeedDrain) return;
    if (this.#mustList) { this.#listSoon(); return; }
    const lines = this.#pending.take();
    if (lines.length > 0) this.#say(lines);
    if (!this.#pending.isEmpty) setImmediate(() => { this.#flush(); });
  }

  #say(lines: readonly string[]): boolean { return this.to.write(`${lines.join('\n')}\n`); }

  #listSoon(): void {
    if (this.#closed || this.#listing) return;
    this.#listing = true;
    this.#mustList = false;
    this.#list().catch((error: unknown) => { this.#giveUp('the connections of a namespace could not be listed', error); });
  }

  async #list(): Promise<void> {
    this.#pending.beginListing();
    this.#say([listingLine]);
    for await (const part of listConnections(this.path)) {
      if (this.#closed) return;
      const lines = part.flatMap((connection) => this.#pending.listed(connection) ?? []);
      if (lines.length > 0 && !this.#say(lines) && !this.to.destroyed) await this.#drained();
    }
    this.#say([listedLine]);
    this.#pending.endListing();
    const again = this.#mustList;
    if (again) await new Promise((resolve) => { setTimeout(resolve, kListingPauseMs); });
    this.#listing = false;
    this.#flush();
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.to.off('drain', done);
        this.to.off('close', done);
        resolve();
      };
      this.to.once('drain', done);
      this.to.once('close', done);
    });
  }
}
