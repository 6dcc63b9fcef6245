/** What every store must do, whatever keeps it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Change, Entry, KeyValueStore } from '../../src/controller/store/store.js';

export interface Stores {
  readonly first: KeyValueStore;
  /** Another controller's way to the same entries. */
  readonly second: KeyValueStore;
}

/** More than etcd takes in one transaction, unless it is told otherwise. */
const kManyEntries = 3_000;
/** More than etcd takes in one request, all together. */
const kLargeValue = 'ü'.repeat(200_000);

const put = (key: string, value: string): Change => ({ key, value });

/** @param open Gives two ways to one store that is empty. */
export function describeStore(name: string, open: () => Promise<Stores>): void {
  const write = (store: KeyValueStore, ...changes: Change[]): Promise<boolean> =>
    store.write({ compare: { key: 'never' }, changes });
  const textOf = (changes: readonly Change[]): string =>
    changes.map(({ key, value }) => `${key}=${value ?? '(gone)'}`).sort().join(' ');

  /** What a watcher is told, as text, a line for each batch. */
  function told(store: KeyValueStore, at: number): { readonly lines: string[]; until(count: number): Promise<string[]> } {
    const lines: string[] = [];
    let wake = (): void => {};
    store.watch(at, {
      changed: (changes) => { lines.push(textOf(changes)); wake(); },
      lost: (why) => { lines.push(`lost: ${why.message}`); wake(); },
    });
    return {
      lines,
      async until(count) {
        while (lines.length < count) await new Promise<void>((resolve) => { wake = resolve; });
        return lines;
      },
    };
  }

  describe(name, () => {
    it('is empty at first, and then gives back what was written, in the order of keys', async () => {
      const { first, second } = await open();
      expect((await first.range('')).entries).toEqual([]);
      expect(await first.get('port/b')).toBeUndefined();
      await write(first, put('port/b', '2'), put('port/a', '1'), put('portal', '3'), put('node/ä', '"ü"'));
      expect((await second.range('port/')).entries).toEqual([put('port/a', '1'), put('port/b', '2')]);
      expect((await second.range('')).entries.map(({ key }) => key)).toEqual(['node/ä', 'port/a', 'port/b', 'portal']);
      expect(await second.get('node/ä')).toBe('"ü"');
      await write(second, { key: 'port/a' }, put('port/b', '4'));
      expect((await first.range('port/')).entries).toEqual([put('port/b', '4')]);
    });

    it('makes all changes where the comparison holds, and none where it does not', async () => {
      const { first, second } = await open();
      expect(await first.write({ compare: { key: 'head' }, changes: [put('head', '1'), put('a', 'x')] })).toBe(true);
      expect(await second.write({ compare: { key: 'head' }, changes: [put('head', '2'), put('b', 'y')] })).toBe(false);
      expect(await second.write({ compare: put('head', '0'), changes: [put('b', 'y')] })).toBe(false);
      expect((await first.range('')).entries).toEqual([put('a', 'x'), put('head', '1')]);
      expect(await second.write({ compare: put('head', '1'), changes: [put('head', '2'), { key: 'a' }] })).toBe(true);
      expect((await first.range('')).entries).toEqual([put('head', '2')]);
    });

    it('lets one of many writers win that compare with the same', async () => {
      const { first, second } = await open();
      await write(first, put('head', 'before'));
      const won = await Promise.all(Array.from({ length: 20 }, (_, n) =>
        (n % 2 === 0 ? first : second).write({ compare: put('head', 'before'), changes: [put('head', `${n}`)] })));
      expect(won.filter((one) => one)).toHaveLength(1);
      expect(await first.get('head')).toBe(`${won.indexOf(true)}`);
    });

    it('tells a watcher of every batch after its moment, whole and in order, whoever wrote it', async () => {
      const { first, second } = await open();
      await write(first, put('a', '1'));
      const { at } = await first.range('');
      const watcher = told(first, at);
      await write(second, put('b', '2'), { key: 'a' });
      await write(first, put('b', '3'));
      expect(await watcher.until(2)).toEqual(['a=(gone) b=2', 'b=3']);
    });

    it('tells no more when it is told to stop', async () => {
      const { first } = await open();
      const lines: string[] = [];
      const { at } = await first.range('');
      const stop = first.watch(at, { changed: (changes) => lines.push(textOf(changes)), lost: () => lines.push('lost') });
      const other = told(first, at);
      stop();
      stop();
      await write(first, put('a', '1'));
      await other.until(1);
      expect(lines).toEqual([]);
    });

    it('makes a batch of any size all at once, for readers and for watchers', async () => {
      const { first, second } = await open();
      const old = put('old', 'x');
      await write(first, put('head', '1'), old);
      const { at } = await second.range('');
      const watcher = told(second, at);
      const many = Array.from({ length: kManyEntries }, (_, n) => put(`port/${n}`, `${n}`));
      const large = Array.from({ length: 10 }, (_, n) => put(`large/${n}`, `${n} ${kLargeValue}`));
      const changes = [put('head', '2'), { key: 'old' }, ...many, ...large];
      let isDone = false;
      const written = first.write({ compare: put('head', '1'), changes }).finally(() => { isDone = true; });
      const counts = new Set<number>();
      while (!isDone) counts.add((await second.range('')).entries.length);
      expect(await written).toBe(true);
      counts.add((await second.range('')).entries.length);
      expect([...counts].filter((count) => count !== 2 && count !== 1 + many.length + large.length)).toEqual([]);
      expect(await watcher.until(1)).toEqual([textOf(changes)]);
      const { entries } = await second.range('');
      expect(textOf(entries)).toBe(textOf(changes.filter(({ key }) => key !== 'old')));
    });

    it('does with random batches what a Map does', async () => {
      const { first, second } = await open();
      const key = fc.constantFrom('a', 'a/1', 'a/2', 'b', 'b/1');
      const batch = fc.record({
        compare: fc.record({ key, value: fc.constantFrom('0', '1') }, { requiredKeys: ['key'] }),
        changes: fc.uniqueArray(fc.record({ key, value: fc.constantFrom('0', '1') }, { requiredKeys: ['key'] }), { selector: (one) => one.key }),
        isFirst: fc.boolean(),
      });
      await fc.assert(fc.asyncProperty(fc.array(batch, { maxLength: 12 }), async (batches) => {
        const { entries } = await first.range('');
        await write(first, ...entries.map((entry): Change => ({ key: entry.key })));
        const twin = new Map<string, string>();
        for (const { compare, changes, isFirst } of batches) {
          const holds = twin.get(compare.key) === compare.value;
          expect(await (isFirst ? first : second).write({ compare, changes })).toBe(holds);
          if (!holds) continue;
          for (const one of changes) {
            if (one.value === undefined) twin.delete(one.key);
            else twin.set(one.key, one.value);
          }
        }
        for (const prefix of ['', 'a', 'a/', 'c'])
          expect((await second.range(prefix)).entries).toEqual(sorted(twin, prefix));
      }), { numRuns: 20 });
    });
  });
}

const sorted = (map: ReadonlyMap<string, string>, prefix: string): Entry[] =>
  [...map].filter(([key]) => key.startsWith(prefix)).map(([key, value]) => ({ key, value })).sort((left, right) => (left.key < right.key ? -1 : 1));
