/**
 * Who may trace on this node. A dataplane looks for one marker and fills one ring, so two walks at once
 * would take each other's records and call their own packets lost. node-calls.ts asks here.
 *
 * A walk that was killed gives nothing back: a lease ends by itself, and the dataplane's marker with it,
 * because looking costs every packet a search.
 */
import type { Dataplane, TraceDump, TraceRecord } from '../dataplane/interface.js';
import { DvrError } from '../model/errors.js';

/** Longer than a walk listens (2 s), shorter than the next one waits for its turn (6 s). */
export const kLeaseMs = 5000;

export class TraceLease {
  #holder: Buffer | undefined;
  #expiry: NodeJS.Timeout | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(private readonly dataplane: Pick<Dataplane, 'setTrace' | 'takeTrace'>) {}

  /**
   * Looks for the marker from now on; what the ring holds of earlier walks is dropped first.
   * @throws DVR_CONFLICT while another marker holds the lease.
   */
  take(marker: Buffer): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#holder !== undefined && !this.#holder.equals(marker)) throw busy();
      this.#hold(marker);
      try {
        await this.dataplane.takeTrace();
        await this.dataplane.setTrace(marker);
      } catch (error) {
        this.#drop();
        throw error;
      }
    });
  }

  /** The records of the marker's packets only. @throws DVR_CONFLICT for who does not hold the lease. */
  records(marker: Buffer): Promise<TraceDump> {
    return this.#inTurn(async () => {
      if (this.#holder?.equals(marker) !== true) throw ended();
      const { records, lost } = await this.dataplane.takeTrace();
      return { records: records.filter((record) => holds(record, marker)), lost };
    });
  }

  /** Stops looking for the marker; nothing happens where another holds the lease, or nobody. */
  release(marker: Buffer): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#holder?.equals(marker) !== true) return;
      this.#drop();
      await this.dataplane.setTrace(null);
    });
  }

  #hold(marker: Buffer): void {
    this.#drop();
    this.#holder = marker;
    // A dataplane that has gone took the marker with it.
    this.#expiry = setTimeout(() => { this.release(marker).catch(() => {}); }, kLeaseMs).unref();
  }

  #drop(): void {
    clearTimeout(this.#expiry);
    this.#holder = undefined;
  }

  /** One after the other: a release must not overtake the take that it undoes. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => {});
    return done;
  }
}

/**
 * Whether one of the frame's two sides carries the marker. It begins at byte 42 of an IPv4 echo and 62 of
 * an IPv6 one; within a router's complaint about them at 70 and 110: all inside the 128 bytes of a record.
 */
function holds({ before, after }: TraceRecord, marker: Buffer): boolean {
  return [before, after].some((side) => Buffer.from(side, 'base64').includes(marker));
}

/** The hint does not cross the agent's stream, so the message says what to do. */
const busy = (): DvrError => new DvrError(
  'DVR_CONFLICT',
  `another walk is under way here; walk again when it has ended, in ${String(kLeaseMs / 1000)} s at the latest`,
  '',
);

const ended = (): DvrError => new DvrError(
  'DVR_CONFLICT',
  `this walk no longer holds the trace, which ends after ${String(kLeaseMs / 1000)} s: walk again`,
  '',
);
