/** What the controller tells Prometheus, read through its own door from a controller that works. */
import { mkdtempSync, rmSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { agentMetrics } from '../../../src/agents/agent-metrics.js';
import { WorkCounts } from '../../../src/agents/work-counts.js';
import { Controller } from '../../../src/controller/controller.js';
import { silentLog } from '../../../src/controller/log.js';
import { storeWrites } from '../../../src/controller/metrics.js';
import { parseDoor } from '../../../src/controller/api/door.js';
import { startServer, type RunningServer } from '../../../src/controller/server.js';
import { LevelStore } from '../../../src/controller/store/level.js';
import { measured } from '../../../src/controller/store/measured.js';
import { SyncLag } from '../../../src/controller/sync-lag.js';
import { Metrics } from '../../../src/model/metrics.js';
import type { NodeReport } from '../../../src/model/node-view.js';
import { readMetrics, type Scrape } from '../../support/metrics.js';
import { apply, bind, seedText } from './support.js';

let folder: string;
let metrics: Metrics;
let controller: Controller;
let server: RunningServer;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dvr-metrics-'));
  metrics = new Metrics();
  controller = await Controller.open(measured(await LevelStore.open(join(folder, 'store')), storeWrites(metrics)));
  server = await startServer({
    controller, socketPath: join(folder, 'controller.sock'), log: silentLog, metrics, api: parseDoor('127.0.0.1:0'),
  });
  await controller.execute(apply(seedText));
});
afterEach(async () => {
  await server.close();
  await controller.close();
  rmSync(folder, { recursive: true });
});

async function scrape(): Promise<Scrape> {
  const answer = await fetch(`http://127.0.0.1:${server.apiPort}/metrics`);
  expect(answer.headers.get('content-type')).toContain('text/plain; version=0.0.4');
  return readMetrics(await answer.text());
}
const report = (node: string, generation: number): NodeReport => ({ node, generation, ports: [], errors: [] });

describe('a controller tells Prometheus', () => {
  it('what there is, and how far each node has come with it', async () => {
    await controller.execute({ command: 'reportNode', report: report('cn1', 1) });
    const said = await scrape();
    expect(said.value('dvr_intent_generation')).toBe(controller.intent.generation);
    expect(said.value('dvr_resources', { kind: 'ports' })).toBe(4);
    expect(said.value('dvr_node_applied_generation', { node: 'cn1' })).toBe(1);
    expect(said.value('dvr_node_applied_generation', { node: 'cn2' })).toBe(0);
    expect(said.value('dvr_node_connected', { node: 'cn1' })).toBe(0);
    expect(said.value('dvr_node_sync_lag_seconds', { node: 'cn1' })).toBe(0);
    expect(said.value('dvr_node_sync_lag_seconds', { node: 'cn2' })).toBeGreaterThan(0);
  });

  it('commands that were done and that were refused, and how long writing them took', async () => {
    const before = (await scrape()).value('dvr_store_write_seconds_count');
    await controller.execute(bind('vm1', 'cn2'));
    await expect(controller.execute(bind('nobody', 'cn2'))).rejects.toThrow();
    const said = await scrape();
    expect(said.value('dvr_commands_total', { command: 'applyTopology', result: 'done' })).toBe(1);
    expect(said.value('dvr_commands_total', { command: 'bindPort', result: 'done' })).toBe(1);
    expect(said.value('dvr_commands_total', { command: 'bindPort', result: 'DVR_NOT_FOUND' })).toBe(1);
    expect(said.value('dvr_store_write_seconds_count')).toBe(before + 1);
  });
});

describe('the lag of a node', () => {
  it('begins with the first view that it has not applied, and ends with the last', async () => {
    let nowMs = 0;
    const lag = new SyncLag(controller, () => nowMs);
    await controller.execute(bind('vm1', 'cn2'));
    const first = controller.intent.generation;
    nowMs = 1000;
    await controller.execute(bind('vm4', 'cn2'));
    const second = controller.intent.generation;
    nowMs = 4000;
    expect(lag.seconds('cn2')).toBe(4);
    await controller.execute({ command: 'reportNode', report: report('cn2', first) });
    expect(lag.seconds('cn2')).toBe(3);
    await controller.execute({ command: 'reportNode', report: report('cn2', second) });
    expect(lag.seconds('cn2')).toBe(0);
    lag.close();
  });
});

describe('docs/metrics.md', () => {
  it('lists every metric there is, with its type, and no other', async () => {
    const text = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8');
    const listed = [...text.matchAll(/^\| `(\w+)` \| (\w+) \|/gm)].map(([, name = '', type = '']) => `${name} ${type}`);
    const ofAgent = agentMetrics({
      counters: () => Promise.reject(new Error('none')), numbers: () => ({ ports: [], localVlans: [], routerNumbers: [] }),
      generations: () => ({ given: 0, applied: 0 }), work: new WorkCounts(),
    });
    const there = [...await metrics.described(), ...await ofAgent.described()].map(({ name, type }) => `${name} ${type}`);
    expect(listed.sort()).toEqual([...new Set(there)].sort());
  });
});
