/** A store as it is, with the time taken that each of its writes needs. */
import type { KeyValueStore } from './store.js';

/** @param took told the seconds of each write, also of one that failed. */
export function measured(store: KeyValueStore, took: (seconds: number) => void): KeyValueStore {
  return {
    isShared: store.isShared,
    where: store.where,
    range: (prefix) => store.range(prefix),
    get: (key) => store.get(key),
    watch: (at, watcher) => store.watch(at, watcher),
    close: () => store.close(),
    write: async (batch) => {
      const beganMs = performance.now();
      try {
        return await store.write(batch);
      } finally {
        took((performance.now() - beganMs) / 1000);
      }
    },
  };
}
