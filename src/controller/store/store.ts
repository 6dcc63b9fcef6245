/**
 * Where the controller's state is kept: an ordered table of keys and values. What the keys mean is said in
 * intent-keys.ts; here they are text. Two things keep it: LevelDB (level.ts), for one controller, and etcd
 * (etcd.ts), for several that share it. Both obey the same tests.
 */
import { DvrError } from '../../model/errors.js';

export interface Entry {
  readonly key: string;
  readonly value: string;
}

/** An entry that is written, or without a value: taken away. */
export interface Change {
  readonly key: string;
  readonly value?: string;
}

/** Changes that are made all together, or not at all. */
export interface Batch {
  /** What must still be so: the key has this value, or without one does not exist. */
  readonly compare: Change;
  /** No key twice. */
  readonly changes: readonly Change[];
}

export interface Snapshot {
  /** In the order of their keys, all as of one moment. */
  readonly entries: readonly Entry[];
  /** That moment: a watch from here misses nothing and repeats nothing. */
  readonly at: number;
}

export interface Watcher {
  /** One batch, whole; batches come in the order in which they were written. */
  changed(changes: readonly Change[]): void;
  /** Nothing more comes, and something may have been missed: read anew, and watch from there. */
  lost(why: Error): void;
}

export interface KeyValueStore {
  /** Whether others write as well. Then a read may cost a question to the others. */
  readonly isShared: boolean;
  /** What it is and where, for messages. */
  readonly where: string;
  /** All entries whose key begins so. */
  range(prefix: string): Promise<Snapshot>;
  /** The value that was written last, by whomever. */
  get(key: string): Promise<string | undefined>;
  /**
   * Returns when the batch is on disk; false where the comparison does not hold, and nothing was written.
   * @throws DvrError DVR_STORE_UNREACHABLE: it may have been written, or still be.
   */
  write(batch: Batch): Promise<boolean>;
  /** Tells of every batch after that moment, this process's own as well. Returns what ends it. */
  watch(at: number, watcher: Watcher): () => void;
  /** Safe to call twice. */
  close(): Promise<void>;
}

export function storeUnreachable(where: string, cause: unknown): DvrError {
  return new DvrError(
    'DVR_STORE_UNREACHABLE',
    `the controller's state in ${where} cannot be reached: ${(cause as Error).message}`,
    'nodes go on with what they have; see that a majority of etcd runs, and try again',
    { cause },
  );
}
