/** A real store whose ways to it fail as a test says. */
import type { Batch, KeyValueStore, Snapshot, Watcher } from '../../../../src/controller/store/store.js';

export class FaultyStore implements KeyValueStore {
  readonly where: string;
  /** Around a write; throws or answers something else than the store did. */
  onWrite: (batch: Batch, write: () => Promise<boolean>) => Promise<boolean> = (_batch, write) => write();
  onGet: (get: () => Promise<string | undefined>) => Promise<string | undefined> = (get) => get();
  onRange: (range: () => Promise<Snapshot>) => Promise<Snapshot> = (range) => range();
  /** Whether what the store tells gets through. */
  isWatchDeaf = false;
  readonly watchers = new Set<Watcher>();

  constructor(private readonly real: KeyValueStore, readonly isShared = true) {
    this.where = real.where;
  }

  range(prefix: string): Promise<Snapshot> {
    return this.onRange(() => this.real.range(prefix));
  }

  get(key: string): Promise<string | undefined> {
    return this.onGet(() => this.real.get(key));
  }

  write(batch: Batch): Promise<boolean> {
    return this.onWrite(batch, () => this.real.write(batch));
  }

  watch(at: number, watcher: Watcher): () => void {
    this.watchers.add(watcher);
    const stop = this.real.watch(at, {
      changed: (changes) => { if (!this.isWatchDeaf) watcher.changed(changes); },
      lost: (why) => watcher.lost(why),
    });
    return () => {
      this.watchers.delete(watcher);
      stop();
    };
  }

  close(): Promise<void> {
    return this.real.close();
  }
}
