/** What a store makes of an intent, and a controller on a store of its own for as long as a test runs. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { Controller } from '../../../src/controller/controller.js';
import { emptyIntent, type Intent } from '../../../src/controller/intent.js';
import { decodeHead, encodeHead, HEAD_KEY, nextHead, noHead, withHead } from '../../../src/controller/store/head.js';
import { entriesOf, withChanges } from '../../../src/controller/store/intent-keys.js';
import { LevelStore } from '../../../src/controller/store/level.js';
import type { Entry } from '../../../src/controller/store/store.js';

const headText = (intent: Intent): string => encodeHead(nextHead(noHead, intent, 'test'));

/** All that a store holds of it, in the order of keys: two are equal exactly when the intents are. */
export const kept = (intent: Intent): readonly Entry[] =>
  [{ key: HEAD_KEY, value: headText(intent) }, ...entriesOf(intent)].sort((left, right) => (left.key < right.key ? -1 : 1));

/** As it is after a restart of the controller. */
export const restored = (intent: Intent): Intent =>
  withHead(withChanges(emptyIntent, entriesOf(intent)), decodeHead(headText(intent)));

/** A folder that is gone when the test is over. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'dvr-store-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  return folder;
}

/** A controller whose store holds this. */
export async function controllerWith(intent: Intent): Promise<Controller> {
  const store = await LevelStore.open(temporaryFolder());
  await store.write({ compare: { key: HEAD_KEY }, changes: kept(intent) });
  const controller = await Controller.open(store);
  onTestFinished(() => controller.close());
  return controller;
}
