/** What agents tell of announced addresses: how often it moves one, and what is left when it is too often. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Announcements, MAX_PAUSED, PAUSE_MS } from '../../../src/controller/announcements.js';
import type { Announcement } from '../../../src/controller/address-holders.js';
import { silentLog } from '../../../src/controller/log.js';
import { Controller } from '../../../src/controller/controller.js';
import { startServer } from '../../../src/controller/server.js';
import type { Command } from '../../../src/controller/state.js';
import { LevelStore } from '../../../src/controller/store/level.js';
import { parseIp } from '../../../src/model/addresses.js';
import { FakeAgent } from './fake-agent.js';
import { apply, bind, seedState, seedText } from './support.js';

describe('announcements', () => {
  let told: Announcement[][];
  let announcements: Announcements;
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_000_000 });
    told = [];
    announcements = new Announcements({
      intent: seedState().intent,
      execute: (command: Command) => {
        if (command.command === 'moveAddresses') told.push([...command.announced]);
        return Promise.resolve([]);
      },
    }, silentLog);
  });
  afterEach(() => {
    announcements.close();
    vi.useRealTimers();
  });

  const mac = 'fa:16:3e:00:00:01';
  const say = (port: string, ip: string, ageMs = 0): void => { announcements.take('cn1', [{ port, ip, mac, ageMs }]); };
  const ports = (): string[] => told.flat().map(({ port }) => port);

  it('count at once, dated by how long ago they were made', () => {
    say('vm1', '10.1.0.100', 400);
    expect(told).toEqual([[{ node: 'cn1', port: 'vm1', ip: '10.1.0.100', mac, at: 999_600, heardAt: 1_000_000 }]]);
    for (const ageMs of [-5000, NaN]) say('vm1', `10.1.0.${told.length}`, ageMs);
    expect(told.slice(1).flat().map(({ at }) => at)).toEqual([1_000_000, 1_000_000]);
  });

  it('within the pause wait, and the latest of them counts when it is over', () => {
    for (const port of ['vm1', 'vm3', 'vm1', 'vm3']) say(port, '10.1.0.100');
    expect(ports()).toEqual(['vm1']);
    vi.advanceTimersByTime(PAUSE_MS);
    expect(ports()).toEqual(['vm1', 'vm3']);
  });

  it('one that is older than what waits does not take its place', () => {
    say('vm1', '10.1.0.100');
    say('vm3', '10.1.0.100', 10);
    say('vm1', '10.1.0.100', 50);
    vi.advanceTimersByTime(PAUSE_MS);
    expect(ports()).toEqual(['vm1', 'vm3']);
  });

  it('without end move an address once a pause', () => {
    for (let at = 0; at < 50; ++at) {
      say(at % 2 === 0 ? 'vm1' : 'vm3', '10.1.0.100');
      vi.advanceTimersByTime(PAUSE_MS / 10);
    }
    vi.advanceTimersByTime(2 * PAUSE_MS);
    expect(told.length).toBeLessThanOrEqual(7);
    expect(ports().at(-1)).toBe('vm3');
    say('vm1', '10.1.0.100');
    expect(ports().at(-1)).toBe('vm1');
  });

  it('of one address do not wait for those of another', () => {
    say('vm1', '10.1.0.100');
    say('vm1', '10.1.0.101');
    expect(told.flat()).toHaveLength(2);
  });

  it('of many addresses at once are one change', () => {
    announcements.take('cn1', ['10.1.0.100', '10.1.0.101'].map((ip) => ({ port: 'vm1', ip, mac, ageMs: 0 })));
    expect(told).toHaveLength(1);
  });

  it('of more addresses than there is room for are left out, until a pause is over', () => {
    const ips = Array.from({ length: MAX_PAUSED + 1 }, (_, at) => `10.9.${at >> 8}.${at & 255}`);
    announcements.take('cn1', ips.map((ip) => ({ port: 'vm1', ip, mac, ageMs: 0 })));
    expect(told.flat()).toHaveLength(MAX_PAUSED);
    vi.advanceTimersByTime(PAUSE_MS);
    say('vm1', ips.at(-1) ?? '');
    expect(told.flat()).toHaveLength(MAX_PAUSED + 1);
  });

  it('that name no address, MAC or port count for nothing', () => {
    announcements.take('cn1', [
      { port: 'vm1', ip: '10.1.0', mac, ageMs: 0 }, { port: 'vm1', ip: '10.1.0.1', mac: 'x', ageMs: 0 }, { port: 'vm9', ip: '10.1.0.1', mac, ageMs: 0 },
    ]);
    expect(told).toEqual([]);
  });
});

it('an agent tells of its own ports, and every node is told who holds the address', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'dvr-announcements-'));
  const controller = await Controller.open(await LevelStore.open(join(folder, 'store')));
  const ip = parseIp('10.1.0.100');
  if (ip === undefined) throw new Error('no address');
  for (const [name, node] of [['vm1', 'cn1'], ['vm3', 'cn2']] as const) {
    if (name === 'vm1') await controller.execute(apply(seedText));
    await controller.execute(bind(name, node));
    await controller.execute({ command: 'setAllowedPairs', name, pairs: [{ ip }] });
  }
  const socketPath = join(folder, 'controller.sock');
  const server = await startServer({ controller, socketPath, log: silentLog });
  const agentOf = async (node: string, vtep: string): Promise<FakeAgent> =>
    (await FakeAgent.connect(`ws+unix://${socketPath}:/dvr/v1/agent`, node)).register(vtep);
  const agents = [await agentOf('cn1', '172.16.0.11'), await agentOf('cn2', '172.16.0.12')] as const;
  try {
    for (const agent of agents) await agent.view();
    const mac = controller.intent.ports.get('vm3')?.mac ?? '';
    agents[0].say({ type: 'announced', addresses: [{ port: 'vm3', ip, mac, ageMs: 0 }] });
    agents[1].say({ type: 'announced', addresses: [{ port: 'vm3', ip, mac, ageMs: 0 }] });
    for (const agent of agents) {
      const ports = (await agent.view(2)).networks.flatMap((network) => network.ports);
      expect(ports.filter(({ holds }) => holds !== undefined)).toEqual([expect.objectContaining({ name: 'vm3', holds: [{ ip, mac }] })]);
    }
  } finally {
    for (const agent of agents) agent.close();
    await server.close();
    await controller.close();
    rmSync(folder, { recursive: true });
  }
});
