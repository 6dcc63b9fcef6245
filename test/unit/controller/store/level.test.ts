import { mkdirSync, rmSync, statSync, writeFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { LevelStore } from '../../../../src/controller/store/level.js';
import { describeStore } from '../../../support/store-suite.js';
import { temporaryFolder } from '../kept.js';

async function openIn(folder: string): Promise<LevelStore> {
  const store = await LevelStore.open(folder);
  onTestFinished(() => store.close());
  return store;
}

describeStore('LevelDB', async () => {
  const store = await openIn(temporaryFolder());
  return { first: store, second: store };
});

describe('LevelDB', () => {
  it('keeps what was written when it is closed, in a folder that is for root alone', async () => {
    const folder = join(temporaryFolder(), 'controller', 'store');
    const before = await LevelStore.open(folder);
    await before.write({ compare: { key: 'head' }, changes: [{ key: 'head', value: '1' }] });
    await before.close();
    await before.close();
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(await (await openIn(folder)).get('head')).toBe('1');
  });

  it('is refused to a second process, since the first would not see what that writes', async () => {
    const folder = temporaryFolder();
    await openIn(folder);
    await expect(LevelStore.open(folder)).rejects.toMatchObject({
      code: 'DVR_CONFLICT',
      message: expect.stringContaining('has the controller\'s state') as string,
    });
  });

  it('that is broken stops the start, and names the folder', async () => {
    const folder = temporaryFolder();
    const store = await LevelStore.open(folder);
    await store.write({ compare: { key: 'head' }, changes: [{ key: 'head', value: '1' }] });
    await store.close();
    for (const file of readdirSync(folder).filter((name) => name.startsWith('MANIFEST'))) rmSync(join(folder, file));
    await expect(LevelStore.open(folder)).rejects.toMatchObject({
      code: 'DVR_STATE_UNREADABLE',
      message: expect.stringContaining(folder) as string,
    });
    const file = join(temporaryFolder(), 'store');
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, 'notes');
    await expect(LevelStore.open(file)).rejects.toMatchObject({ code: 'DVR_STATE_UNREADABLE' });
  });

  it('has a watcher that begins too late read anew', async () => {
    const store = await openIn(temporaryFolder());
    const { at } = await store.range('');
    await store.write({ compare: { key: 'head' }, changes: [{ key: 'head', value: '1' }] });
    const why = await new Promise<Error>((resolve) => {
      store.watch(at, { changed: () => {}, lost: resolve });
    });
    expect(why.message).toBe('batches were written since that moment');
  });
});
