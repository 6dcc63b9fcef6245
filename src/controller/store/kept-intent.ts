/**
 * The intent as the store has it. What this controller decides is written there before it counts; what other
 * controllers write comes by the watch.
 *
 *     update ─ decide ─ write ─┬─ done: it counts, and only now is it told
 *        ▲                     └─ another was first: its changes are taken over, and it is decided anew
 *        └────────────────────────┘
 *
 * A write is known by its head (head.ts), so that its own words are recognised when they come back by the
 * watch, also where the answer to it was lost. A watch that breaks is followed by reading everything anew.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { DvrError } from '../../model/errors.js';
import type { Intent } from '../intent.js';
import type { Log } from '../log.js';
import { encodeHead, HEAD_KEY, nextHead } from './head.js';
import { headOf, headText, heldAfter, heldOf, nothingHeld, wentBack, type Held } from './held.js';
import { changesBetween } from './intent-keys.js';
import { storeUnreachable, type Change, type KeyValueStore } from './store.js';

/** Each loss is another's success, so this many in a row are only seen where something writes without end. */
export const MAX_DECISIONS = 64;
/** After a loss the winner may go on writing; of several losers not all shall come back at once. */
const LOSER_WAIT_MS = 20;
/** A watch that is so far behind a read is taken for broken. */
const WATCH_LAG_MS = 2_000;
/** A watch that is dead without a word is found out, and a store that is away is known of, within so long. */
const LOOK_MS = { well: 5_000, failing: 1_000 } as const;
const RELOAD_WAIT_MS = { first: 100, longest: 2_000 } as const;

export interface StoreStatus {
  readonly where: string;
  /** With other controllers. */
  readonly isShared: boolean;
  readonly fault?: string;
}

export interface Decided {
  readonly intent: Intent;
  /** Called once it counts: at the very moment, nothing comes between. */
  readonly commit: () => void;
}

/** What an update has written, or tried to, by the names of its writes: one of them counts at most. */
interface Update {
  readonly writes: Map<string, { readonly held: Held; readonly commit: () => void }>;
  isDone: boolean;
}

export class KeptIntent {
  private held = nothingHeld;
  private underWay: Update | undefined;
  private stopWatch = (): void => {};
  private isReloading = false;
  /** Why the store could not be asked the last time. While that is so, nobody waits to hear it again. */
  private fault: Error | undefined;
  private lookout: NodeJS.Timeout | undefined;
  private readonly closing = new AbortController();
  private readonly waiters = new Set<() => void>();

  private constructor(
    private readonly store: KeyValueStore,
    private readonly log: Log,
    private readonly onOthers: (intent: Intent) => void,
  ) {}

  /**
   * @param onOthers told the intent after each change that another controller made.
   * @throws DvrError DVR_STATE_UNREADABLE, DVR_STORE_UNREACHABLE
   */
  static async open(
    store: KeyValueStore,
    log: Log,
    onOthers: (intent: Intent) => void,
  ): Promise<KeptIntent> {
    const kept = new KeptIntent(store, log, onOthers);
    try {
      await kept.load();
    } catch (error) {
      await kept.close();
      throw error;
    }
    if (store.isShared) kept.lookLater();
    return kept;
  }

  get intent(): Intent {
    return this.held.intent;
  }

  /** Where the state is kept, and what is wrong with it since the last time it was asked. */
  get status(): StoreStatus {
    const { where, isShared } = this.store;
    return { where, isShared, ...(this.fault === undefined ? {} : { fault: this.fault.message }) };
  }

  /** Returns when all that anybody has written so far is here. @throws DvrError DVR_STORE_UNREACHABLE */
  async fresh(): Promise<void> {
    if (!this.store.isShared) return;
    if (this.fault !== undefined) throw this.fault;
    await this.ask();
  }

  /**
   * Replaces the intent by what is decided, in the store and here. Where another controller was first it is
   * decided again, on what that one has left.
   * @param onNewest Whether to decide on nothing older than what anybody has written so far.
   * @throws what `decide` throws, and DvrError DVR_STORE_UNREACHABLE, DVR_BUSY
   */
  async update(decide: () => Decided, onNewest: () => boolean): Promise<void> {
    const update: Update = { writes: new Map(), isDone: false };
    this.underWay = update;
    try {
      for (let attempt = 0; attempt < MAX_DECISIONS; attempt++) {
        if (attempt > 0) await sleep(Math.random() * LOSER_WAIT_MS);
        if (attempt > 0 || onNewest()) await this.fresh();
        if (!update.isDone) await this.write(update, decide());
        if (update.isDone) return;
      }
    } finally {
      this.underWay = undefined;
    }
    throw new DvrError(
      'DVR_BUSY',
      `other controllers were first ${MAX_DECISIONS} times in a row`,
      'try again',
    );
  }

  /** Safe to call twice. */
  async close(): Promise<void> {
    this.closing.abort();
    clearTimeout(this.lookout);
    this.stopWatch();
    await this.store.close();
  }

  private async catchUp(): Promise<void> {
    const before = this.held.head.revision;
    const { revision } = headOf(this.store.where, await this.store.get(HEAD_KEY));
    if (revision < before) throw wentBack(this.store.where, before, revision);
    if (await this.reaches(revision)) return;
    this.reload(new Error(`what was written ${WATCH_LAG_MS / 1000} s ago has not come by the watch`));
    if (!(await this.reaches(revision)))
      throw storeUnreachable(this.store.where, new Error('its changes do not come'));
  }

  private async ask(): Promise<void> {
    try {
      await this.catchUp();
      this.fault = undefined;
    } catch (error) {
      this.fault = error as Error;
      throw error;
    }
  }

  private lookLater(): void {
    if (this.closing.signal.aborted) return;
    const waitMs = this.fault === undefined ? LOOK_MS.well : LOOK_MS.failing;
    this.lookout = setTimeout(() => void this.look(), waitMs);
  }

  private async look(): Promise<void> {
    const was = this.fault?.message;
    await this.ask().catch(() => {});
    const fault = this.fault?.message;
    if (fault !== was) this.log.warn({ fault }, fault === undefined ? 'store is back' : 'store fails');
    this.lookLater();
  }

  private async write(update: Update, { intent, commit }: Decided): Promise<void> {
    const { held } = this;
    const changes = changesBetween(held.intent, intent);
    const isSame =
      intent.generation === held.head.generation &&
      intent.topologyDigest === held.head.topologyDigest;
    if (changes.length === 0 && isSame) {
      update.isDone = true;
      this.held = { ...held, intent };
      return commit();
    }
    const name = randomBytes(9).toString('base64url');
    const head = nextHead(held.head, intent, name);
    const text = encodeHead(head);
    update.writes.set(name, { held: { intent, head, text }, commit });
    const compare = { key: HEAD_KEY, ...(held.text === undefined ? {} : { value: held.text }) };
    try {
      const changed = [{ key: HEAD_KEY, value: text }, ...changes];
      if (await this.store.write({ compare, changes: changed })) this.settleOwn([name]);
    } catch (error) {
      // It may have been written: whether it was is found out before it is decided again.
      const isUnknown = error instanceof DvrError && error.code === 'DVR_STORE_UNREACHABLE';
      if (!this.store.isShared || !isUnknown) throw error;
    }
  }

  /** One of these writes may be ours: then it is in the store, by its answer, by the watch or by what is read. */
  private settleOwn(writes: readonly string[]): void {
    const update = this.underWay;
    const write = writes.map((name) => update?.writes.get(name)).find((one) => one !== undefined);
    if (update === undefined || write === undefined || update.isDone) return;
    update.isDone = true;
    // Where everything was read anew meanwhile, it is here already, and what came after it too.
    if (write.held.head.revision > this.held.head.revision) this.hold(write.held);
    write.commit();
  }

  private hold(held: Held): void {
    this.held = held;
    for (const wake of [...this.waiters]) wake();
  }

  /** One batch of the watch. */
  private take(changes: readonly Change[]): void {
    const text = headText(changes);
    if (text === undefined) return this.reload(new Error('somebody else writes here'));
    try {
      const { writes, revision } = headOf(this.store.where, text);
      this.settleOwn(writes);
      if (revision > this.held.head.revision)
        this.holdOthers(heldAfter(this.held, changes, text));
    } catch (error) {
      this.reload(error as Error);
    }
  }

  private holdOthers(held: Held): void {
    const isChanged = held.intent !== this.held.intent;
    this.hold(held);
    if (isChanged) this.onOthers(held.intent);
  }

  private reload(why: Error): void {
    this.stopWatch();
    if (this.isReloading || this.closing.signal.aborted) return;
    this.isReloading = true;
    this.log.warn({ store: this.store.where, why: why.message }, 'state is read anew');
    void this.loadUntilDone().finally(() => {
      this.isReloading = false;
    });
  }

  private async loadUntilDone(): Promise<void> {
    let waitMs: number = RELOAD_WAIT_MS.first;
    while (!this.closing.signal.aborted) {
      try {
        return await this.load();
      } catch (error) {
        this.log.warn({ error: (error as Error).message }, 'state cannot be read');
      }
      await sleep(waitMs, undefined, { signal: this.closing.signal }).catch(() => {});
      waitMs = Math.min(2 * waitMs, RELOAD_WAIT_MS.longest);
    }
  }

  /** Reads everything, and watches from there. */
  private async load(): Promise<void> {
    const before = this.held.head.revision;
    const { entries, at } = await this.store.range('');
    const { revision, writes } = headOf(this.store.where, headText(entries));
    if (revision < before) throw wentBack(this.store.where, before, revision);
    // A write of ours was answered meanwhile, after these were read.
    if (revision < this.held.head.revision) return await this.load();
    this.settleOwn(writes);
    this.holdOthers(heldOf(this.store.where, this.held, entries));
    this.stopWatch();
    if (this.closing.signal.aborted) return;
    this.stopWatch = this.store.watch(at, {
      changed: (changes) => this.take(changes),
      lost: (why) => this.reload(why),
    });
  }

  /** Whether the intent gets that far before its time. */
  private async reaches(revision: number): Promise<boolean> {
    if (this.held.head.revision >= revision) return true;
    return await new Promise((resolve) => {
      const settleTo = (value: boolean): void => {
        clearTimeout(timer);
        this.waiters.delete(look);
        resolve(value);
      };
      const look = (): void => {
        if (this.held.head.revision >= revision) settleTo(true);
      };
      const timer = setTimeout(() => settleTo(false), WATCH_LAG_MS);
      this.waiters.add(look);
    });
  }
}
