/**
 * Changes that wait to be sent: of each connection the last one only, and what came and went meanwhile not at
 * all. Pure.
 */
import { type Change, goneLine, isLine, keyOf, type Connection } from './conntrack-connection.js';

/** Connections that may wait. One more, and all are forgotten: a listing will say more with less. */
export const kMaxPending = 65_536;
/** Connections the other side is told of; of more, the rest have to begin anew after a fail-over. */
export const kMaxShared = 262_144;
/** Taken at once, or one more: some milliseconds' work here, and for the other side. */
const kMaxLines = 1024;

/** Both: one has gone, and another has come in its place, with other NAT perhaps. */
interface Waiting { gone: boolean; now: Connection | undefined }

export class PendingChanges {
  readonly #waiting = new Map<string, Waiting>();
  /** What the other side has been told of and not yet that it has gone. */
  #shared = new Set<string>();
  #listing = false;

  get isEmpty(): boolean { return this.#waiting.size === 0; }

  /** False: it is one too many, and nothing waits any more. */
  note(change: Change): boolean {
    const key = keyOf(change.kind === 'is' ? change.connection : change.id);
    const waiting = this.#waiting.get(key);
    if (change.kind === 'is') this.#waiting.set(key, { gone: waiting?.gone ?? false, now: change.connection });
    // While a listing is on its way nobody knows what is still in it.
    else if (this.#listing || this.#shared.has(key)) this.#waiting.set(key, { gone: true, now: undefined });
    else this.#waiting.delete(key);
    if (this.#waiting.size <= kMaxPending) return true;
    this.#waiting.clear();
    return false;
  }

  /** A listing begins: the other side forgets what is not in it. What changes meanwhile is for afterwards. */
  beginListing(): void {
    this.#waiting.clear();
    this.#shared = new Set();
    this.#listing = true;
  }

  endListing(): void { this.#listing = false; }

  /** A line for a connection that a listing has found; nothing where there are too many. */
  listed(connection: Connection): string | undefined {
    const key = keyOf(connection);
    if (this.#shared.size >= kMaxShared && !this.#shared.has(key)) return undefined;
    this.#shared.add(key);
    return isLine(connection);
  }

  /** The next lines to send; none: nothing waits. */
  take(): string[] {
    const lines: string[] = [];
    for (const [key, { gone, now }] of this.#waiting) {
      if (lines.length >= kMaxLines) break;
      this.#waiting.delete(key);
      if (gone) {
        lines.push(goneLine(key));
        this.#shared.delete(key);
      }
      const line = now === undefined ? undefined : this.listed(now);
      if (line !== undefined) lines.push(line);
    }
    return lines;
  }
}
