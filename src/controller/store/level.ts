/**
 * The state on this machine's disk, in LevelDB: the store of a controller that is alone. LevelDB locks its
 * folder, so that no second process can write there; a batch is one record of its journal, so that a crash
 * leaves all of it or none.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { DvrError } from '../../model/errors.js';
import { stateDir } from '../../model/paths.js';
import type { Batch, Entry, KeyValueStore, Snapshot, Watcher } from './store.js';

export const levelFolder = (): string => join(stateDir(), 'controller', 'store');

export class LevelStore implements KeyValueStore {
  readonly isShared = false;
  readonly where: string;
  private readonly watchers = new Set<Watcher>();
  /** Batches written since the store was opened: what a moment is here. */
  private written = 0;
  /** Reads and writes one after another, so that nothing comes between a comparison and its batch. */
  private turn: Promise<unknown> = Promise.resolve();

  private constructor(
    folder: string,
    private readonly level: ClassicLevel,
  ) {
    this.where = `LevelDB in ${folder}`;
  }

  /** @throws DvrError DVR_CONFLICT where another controller has it open, DVR_STATE_UNREADABLE */
  static async open(folder = levelFolder()): Promise<LevelStore> {
    const level = new ClassicLevel(folder);
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      await level.open();
    } catch (error) {
      const { cause } = error as { cause?: NodeJS.ErrnoException };
      throw notOpened(folder, cause ?? (error as NodeJS.ErrnoException));
    }
    return new LevelStore(folder, level);
  }

  range(prefix: string): Promise<Snapshot> {
    return this.inTurn(async () => {
      const entries: Entry[] = [];
      for await (const [key, value] of this.level.iterator({ gte: prefix })) {
        if (!key.startsWith(prefix)) break;
        entries.push({ key, value });
      }
      return { entries, at: this.written };
    });
  }

  get(key: string): Promise<string | undefined> {
    return this.inTurn(() => this.level.get(key));
  }

  write({ compare, changes }: Batch): Promise<boolean> {
    return this.inTurn(async () => {
      if ((await this.level.get(compare.key)) !== compare.value) return false;
      const operations = changes.map(({ key, value }) =>
        value === undefined ? ({ type: 'del', key } as const) : ({ type: 'put', key, value } as const),
      );
      await this.level.batch(operations, { sync: true }).catch(this.notWritten);
      this.written++;
      for (const watcher of [...this.watchers]) watcher.changed(changes);
      return true;
    });
  }

  watch(at: number, watcher: Watcher): () => void {
    if (at === this.written) this.watchers.add(watcher);
    else queueMicrotask(() => watcher.lost(new Error('batches were written since that moment')));
    return () => {
      this.watchers.delete(watcher);
    };
  }

  async close(): Promise<void> {
    await this.inTurn(() => this.level.close());
  }

  private readonly notWritten = (cause: Error): never => {
    throw new DvrError(
      'DVR_STORE_UNREACHABLE',
      `the controller's state in ${this.where} cannot be written: ${cause.message}`,
      'mend that (is the disk full?) and start the controller again; nodes go on with what they have',
      { cause },
    );
  };

  private inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.turn.then(work);
    this.turn = result.catch(() => {});
    return result;
  }
}

function notOpened(folder: string, cause: NodeJS.ErrnoException): DvrError {
  if (cause.code === 'LEVEL_LOCKED')
    return new DvrError(
      'DVR_CONFLICT',
      `another process has the controller's state ${folder} open`,
      'one controller runs here already; several share a state in etcd: dvr controller --etcd URL',
      { cause },
    );
  return new DvrError(
    'DVR_STATE_UNREADABLE',
    `the controller's state ${folder} cannot be opened: ${cause.message}`,
    'restore it from a copy; or move it away to start anew, after all agents have stopped',
    { cause },
  );
}
