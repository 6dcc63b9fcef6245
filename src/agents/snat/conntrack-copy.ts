/**
 * A namespace's connections being made like another's, by the lines that conntrack-feed.ts says. A listing
 * changes only what is other than it was: a connection that is the same here and there is not touched.
 */
import { keyOf, parseLine, replyKeyOf, type Change, type Connection } from './conntrack-connection.js';
import { kListingEveryMs, listedLine, listingLine } from './conntrack-feed.js';
import { kMaxShared } from './conntrack-pending.js';
import { ConntrackTable, listConnections } from './conntrack-table.js';

/** A connection that is kept for longer than this is not brought up to date for its timeout alone. */
const kFreshS = 3 * kListingEveryMs / 1000;

export class ConntrackCopy {
  readonly #table: ConntrackTable;
  /** Amid a listing: what was here before it and has not been listed yet. */
  #unlisted: Map<string, Connection> | undefined;
  /** Amid a listing: what found its place taken. */
  #refused: Connection[] = [];

  /** @throws an Error with `code` where there is no namespace at `path`. Once `stopped`, nothing is changed any more. */
  constructor(
    private readonly path: string, private readonly stopped: AbortSignal, private readonly onListed: () => void,
  ) { this.#table = new ConntrackTable(path); }

  close(): void { this.#table.close(); }

  /** @throws an Error at a line that is none of ours, or in the wrong place. */
  async take(lines: readonly string[]): Promise<void> {
    let changes: Change[] = [];
    for (const line of lines) {
      if (line !== listingLine && line !== listedLine) { changes.push(...this.#changesOf(line)); continue; }
      this.#apply(changes);
      changes = [];
      if (line === listingLine) await this.#beginListing();
      else this.#endListing();
    }
    this.#apply(changes);
  }

  async #beginListing(): Promise<void> {
    if (this.#unlisted !== undefined) throw new Error('a listing in a listing');
    const unlisted = new Map<string, Connection>();
    for await (const part of listConnections(this.path)) for (const connection of part) unlisted.set(keyOf(connection), connection);
    this.#unlisted = unlisted;
  }

  /** What nobody listed has gone; in a place that was taken there may be room now. */
  #endListing(): void {
    if (this.#unlisted === undefined) throw new Error('the end of no listing');
    const gone = [...this.#unlisted.values()].map((id): Change => ({ kind: 'gone', id }));
    const refused = this.#refused.map((connection): Change => ({ kind: 'is', connection }));
    this.#unlisted = undefined;
    this.#apply([...gone, ...refused]);
    this.#refused = [];
    this.onListed();
  }

  /** What a line means here: of a listing, only what is other than it was. */
  #changesOf(line: string): Change[] {
    const change = parseLine(line);
    if (change === undefined) throw new Error(`not a line of ours: ${JSON.stringify(line)}`);
    if (change.kind === 'gone' || this.#unlisted === undefined) return [change];
    const key = keyOf(change.connection);
    const here = this.#unlisted.get(key);
    this.#unlisted.delete(key);
    if (here === undefined) return [change];
    if (replyKeyOf(here) !== replyKeyOf(change.connection)) return [{ kind: 'gone', id: here }, change];
    return isLike(here, change.connection) ? [] : [change];
  }

  #apply(changes: readonly Change[]): void {
    if (changes.length === 0 || this.stopped.aborted) return;
    const refused = this.#table.apply(changes);
    if (this.#unlisted !== undefined && this.#refused.length < kMaxShared) this.#refused.push(...refused);
  }
}

function isLike(here: Connection, there: Connection): boolean {
  return here.state === there.state && here.assured === there.assured && here.timeoutS > kFreshS;
}
