/**
 * The state in etcd: the store of several controllers. Whatever is read was asked of a majority of etcd's
 * members, so that it is no older than what any controller has answered to.
 */
import type { EtcdAccess } from './etcd-access.js';
import { EtcdClient, endOf, has, read, set, valueAt } from './etcd-client.js';
import { entryKey, stateKey, UNDER_WAY } from './etcd-keys.js';
import { finish, isSmall, sweepParts, writeInParts } from './etcd-parts.js';
import { watchEtcd } from './etcd-watch.js';
import type { Batch, Entry, KeyValueStore, Snapshot, Watcher } from './store.js';

const ENTRIES_PER_PAGE = 1_000;
/** Nobody asks how the state was before; without this etcd would keep every value there ever was. */
const COMPACT_MS = 5 * 60_000;

export class EtcdStore implements KeyValueStore {
  readonly isShared = true;
  readonly where: string;
  private readonly client: EtcdClient;
  private readonly compactor: NodeJS.Timeout;
  private readonly stops = new Set<() => void>();
  /** The newest revision seen, and at the last round: who watches is not so far behind. */
  private seen = 0;
  private seenBefore = 0;

  private constructor(access: EtcdAccess, compactMs: number) {
    this.client = new EtcdClient(access);
    this.where = this.client.where;
    this.compactor = setInterval(() => void this.compact(), compactMs);
  }

  /** @throws DvrError DVR_STORE_UNREACHABLE */
  static async open(access: EtcdAccess, compactMs = COMPACT_MS): Promise<EtcdStore> {
    const store = new EtcdStore(access, compactMs);
    try {
      await sweepParts(store.client);
    } catch (error) {
      await store.close();
      throw error;
    }
    return store;
  }

  async range(prefix: string): Promise<Snapshot> {
    const first = stateKey(prefix);
    const end = endOf(first);
    const { at, kvs } = await this.firstPage(first, end);
    const entries: Entry[] = [];
    for (let page = kvs; ; ) {
      for (const { key, value } of page)
        entries.push({ key: entryKey(key) ?? '', value: value.toString() });
      const last = page.at(-1)?.key;
      if (last === undefined || page.length < ENTRIES_PER_PAGE) return { entries, at };
      const key = Buffer.concat([last, Buffer.of(0)]);
      const { responses } = await this.client.untilDone({
        success: [{ request_range: { key, range_end: end, limit: ENTRIES_PER_PAGE, revision: `${at}` } }],
      });
      page = responses[0]?.response_range.kvs ?? [];
    }
  }

  async get(key: string): Promise<string | undefined> {
    for (;;) {
      const answer = await this.client.untilDone({ success: [read(UNDER_WAY), read(stateKey(key))] });
      this.saw(answer.header.revision);
      const marker = valueAt(answer, 0);
      if (marker === undefined) return valueAt(answer, 1);
      await finish(this.client, marker);
    }
  }

  async write(batch: Batch): Promise<boolean> {
    if (!isSmall(batch)) return await writeInParts(this.client, batch);
    const { key, value } = batch.compare;
    for (;;) {
      const answer = await this.client.once({
        compare: [
          has({ key: stateKey(key), ...(value === undefined ? {} : { value }) }),
          has({ key: UNDER_WAY }),
        ],
        success: batch.changes.map((one) => set({ ...one, key: stateKey(one.key) })),
        failure: [read(UNDER_WAY)],
      });
      this.saw(answer.header.revision);
      if (answer.succeeded) return true;
      const marker = valueAt(answer, 0);
      if (marker === undefined) return false;
      await finish(this.client, marker);
    }
  }

  watch(at: number, watcher: Watcher): () => void {
    const end = watchEtcd(this.client, at, watcher, (marker) => finish(this.client, marker));
    const stop = (): void => {
      this.stops.delete(stop);
      end();
    };
    this.stops.add(stop);
    return stop;
  }

  async close(): Promise<void> {
    clearInterval(this.compactor);
    for (const stop of [...this.stops]) stop();
    this.client.close();
    await Promise.resolve();
  }

  private async firstPage(first: string, end: Buffer): Promise<{ at: number; kvs: readonly { key: Buffer; value: Buffer }[] }> {
    for (;;) {
      const answer = await this.client.untilDone({
        success: [
          read(UNDER_WAY),
          { request_range: { key: Buffer.from(first), range_end: end, limit: ENTRIES_PER_PAGE } },
        ],
      });
      this.saw(answer.header.revision);
      const marker = valueAt(answer, 0);
      if (marker === undefined)
        return { at: Number(answer.header.revision), kvs: answer.responses[1]?.response_range.kvs ?? [] };
      await finish(this.client, marker);
    }
  }

  private saw(revision: string): void {
    this.seen = Math.max(this.seen, Number(revision));
  }

  private async compact(): Promise<void> {
    const before = this.seenBefore;
    this.seenBefore = this.seen;
    if (before > 0) await this.client.compact(before);
  }
}
