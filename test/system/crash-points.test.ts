/** A controller killed between any two calls of its store: what it answered is there, and what is there is whole. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Controller } from '../../src/controller/controller.js';
import { emptyState, type Intent } from '../../src/controller/intent.js';
import { faultsOf } from '../../src/controller/invariants.js';
import { step, type Command } from '../../src/controller/state.js';
import { etcdAccess } from '../../src/controller/store/etcd-access.js';
import { EtcdStore } from '../../src/controller/store/etcd.js';
import { decodeHead, HEAD_KEY } from '../../src/controller/store/head.js';
import { LevelStore } from '../../src/controller/store/level.js';
import type { KeyValueStore } from '../../src/controller/store/store.js';
import { DvrError } from '../../src/model/errors.js';
import { parseTopology } from '../../src/model/topology.js';
import { commandAt } from '../support/crash-commands.mjs';
import { Etcd } from '../support/etcd.js';

const child = fileURLToPath(new URL('../support/crash-child.mjs', import.meta.url));

/** Runs a controller until it dies, and answers with the last revision that it has answered to. */
async function runUntilDead(kind: string, where: string, call: number, killAfterMs?: number): Promise<number | undefined> {
  const process = spawn('setpriv', ['--pdeathsig', 'KILL', globalThis.process.execPath, child, kind, where, `${call}`],
    { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  process.stdout.on('data', (chunk: Buffer) => {
    if (said === '' && killAfterMs !== undefined) setTimeout(() => process.kill('SIGKILL'), killAfterMs);
    said += chunk.toString();
  });
  const [code, signal] = await once(process, 'close') as [number | null, string | null];
  expect([code, signal]).toEqual([null, 'SIGKILL']);
  const last = said.trim().split('\n').at(-1);
  return last === 'ready' || last === '' ? undefined : Number(last);
}

/** The state after that many commands, as a controller that nobody kills has it. */
const undisturbed: Intent[] = [emptyState.intent];
function intentAt(revision: number): Intent {
  while (undisturbed.length <= revision) {
    const at = undisturbed.length - 1;
    const before = undisturbed[at] ?? emptyState.intent;
    const next = step({ ...emptyState, intent: before }, commandAt(at, parseTopology) as Command);
    if (next instanceof DvrError) throw next;
    if (next.state.intent === before) throw new Error(`command ${at} changes nothing`);
    undisturbed.push(next.state.intent);
  }
  return undisturbed[revision] ?? emptyState.intent;
}

/** What the controller left is whole, holds all that it answered to, and no more than one command besides. */
async function expectWhole(store: KeyValueStore, answered: number): Promise<number> {
  const head = await store.get(HEAD_KEY);
  const revision = head === undefined ? 0 : decodeHead(head).revision;
  expect(revision).toBeGreaterThanOrEqual(answered);
  expect(revision).toBeLessThanOrEqual(answered + 1);
  const controller = await Controller.open(store);
  const { records, ...intent } = controller.intent;
  // Records say when things were made; that there is one for each the invariants say.
  const { records: _others, ...wanted } = intentAt(revision);
  expect(intent).toEqual(wanted);
  expect(faultsOf(controller.intent)).toEqual([]);
  expect(records.size > 0).toBe(revision > 0);
  await controller.close();
  return revision;
}

/** Rounds of death and recovery on one store, each a call further; the last revision. */
async function rounds(kind: 'level' | 'etcd', where: string, open: () => Promise<KeyValueStore>, deaths: readonly { call: number; afterMs?: number }[]): Promise<number> {
  let revision = 0;
  for (const { call, afterMs } of deaths) {
    const answered = await runUntilDead(kind, where, call, afterMs);
    revision = await expectWhole(await open(), answered ?? revision);
  }
  return revision;
}

const calls = (first: number, count: number): { call: number }[] => Array.from({ length: count }, (_, n) => ({ call: first + n }));
/** At any moment, in the middle of a call: too late to matter in a short one, so that many are tried. */
const moments = (count: number): { call: number; afterMs: number }[] =>
  Array.from({ length: count }, () => ({ call: 0, afterMs: Math.random() * 150 }));

describe('with LevelDB', () => {
  let folder: string;
  beforeAll(() => { folder = mkdtempSync(join(tmpdir(), 'dvr-crash-')); });
  afterAll(() => { rmSync(folder, { recursive: true }); });

  it('it goes on from every call that it was killed before or after, and from any moment', async () => {
    const store = join(folder, 'store');
    // Every call of a round of six commands, from its first to the sixth's answer.
    const revision = await rounds('level', store, () => LevelStore.open(store), [...calls(1, 22), ...moments(8)]);
    expect(revision).toBeGreaterThan(30);
  });
});

describe('with etcd', () => {
  let etcd: Etcd;
  beforeAll(async () => { etcd = await Etcd.start(); });
  afterAll(() => etcd.end());

  it('it goes on from every call of a batch that takes many, and from any moment', async () => {
    const open = (): Promise<KeyValueStore> => EtcdStore.open(etcdAccess(etcd.url, {}));
    const revision = await rounds('etcd', etcd.url, open, [...calls(1, 26), ...moments(6)]);
    expect(revision).toBeGreaterThan(30);
  });
});
