/** How views reach an agent, through a real socket: whole at first, then what differs, whole again when it asks. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Controller } from '../../../src/controller/controller.js';
import { silentLog } from '../../../src/controller/log.js';
import { startServer, type RunningServer } from '../../../src/controller/server.js';
import { LevelStore } from '../../../src/controller/store/level.js';
import { FakeAgent } from './fake-agent.js';
import { apply, bind, seedText } from './support.js';

let folder: string;
let controller: Controller;
let server: RunningServer;
let agents: FakeAgent[];

const statePath = (): string => join(folder, 'store');
const socketPath = (): string => join(folder, 'controller.sock');

async function start(): Promise<void> {
  controller = await Controller.open(await LevelStore.open(statePath()));
  await controller.execute(apply(seedText));
  server = await startServer({ controller, socketPath: socketPath(), log: silentLog });
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dvr-stream-'));
  agents = [];
  await start();
});
afterEach(async () => {
  for (const agent of agents) agent.close();
  await server.close();
  await controller.close();
  rmSync(folder, { recursive: true });
});

async function agentOf(node: string, vtep: string, generation = 0): Promise<FakeAgent> {
  const agent = await FakeAgent.connect(`ws+unix://${socketPath()}:/dvr/v1/agent?node=${node}`, node);
  agents.push(agent);
  agent.register(vtep, 1600, generation);
  await agent.view();
  return agent;
}

const bindAll = async (...names: readonly string[]): Promise<void> => {
  for (const name of names) await controller.execute(bind(name, 'cn2'));
};

it('the first view is whole, the next are told by what differs, and add up to what the controller holds', async () => {
  const cn2 = await agentOf('cn2', '172.16.0.12');
  for (const name of ['vm2', 'vm3', 'vm1']) {
    await bindAll(name);
    await vi.waitFor(() => { expect(cn2.views.at(-1)).toEqual(controller.view('cn2')); });
  }
  expect(cn2.deltas.map(({ localPorts }) => localPorts?.put?.map(({ one: { name } }) => name))).toEqual([['vm2'], ['vm3'], ['vm1']]);
  expect(cn2.deltas.at(-1)?.networks).toBeUndefined();
});

it('a node that a change says nothing to hears nothing', async () => {
  const cn1 = await agentOf('cn1', '172.16.0.11');
  const cn2 = await agentOf('cn2', '172.16.0.12');
  await bindAll('vm2', 'vm3');
  await cn2.view(2);
  expect(cn1.views).toHaveLength(1);
});

it('an agent that asks for it gets the whole view again, and then what differs from that', async () => {
  const cn2 = await agentOf('cn2', '172.16.0.12');
  await bindAll('vm2');
  await cn2.view(2);
  cn2.say({ type: 'resync' });
  expect(await cn2.view(3)).toEqual(controller.view('cn2'));
  expect(cn2.deltas).toHaveLength(1);
  await bindAll('vm3');
  expect(await cn2.view(4)).toEqual(controller.view('cn2'));
  expect(cn2.deltas).toHaveLength(2);
});

it('an agent that has registered nowhere yet may ask in vain', async () => {
  const early = await FakeAgent.connect(`ws+unix://${socketPath()}:/dvr/v1/agent?node=cn2`, 'cn2');
  agents.push(early);
  early.say({ type: 'resync' });
  early.register('172.16.0.12');
  await early.view();
  expect(early.views).toHaveLength(1);
});

it('a view has never an older generation than one that the agent has already', async () => {
  const [before] = (await agentOf('cn2', '172.16.0.12')).views;
  await bindAll('vm2', 'vm3');
  const { generation } = controller.intent;
  // Of another controller, which stamped it later: what cn1 must know has not changed since.
  const cn1 = await agentOf('cn1', '172.16.0.11', generation);
  expect(cn1.views[0]?.generation).toBe(generation);
  expect(before?.generation).toBeLessThan(generation);
  expect(controller.intent.generation).toBe(generation);
});

it('counting goes on from what agents have where the state was lost', async () => {
  await server.close();
  await controller.close();
  rmSync(statePath(), { recursive: true });
  await start();
  const cn2 = await agentOf('cn2', '172.16.0.12', 500);
  expect(cn2.views[0]?.generation).toBe(501);
  await bindAll('vm2');
  expect((await cn2.view(2)).generation).toBe(502);
  await controller.close();
  controller = await Controller.open(await LevelStore.open(statePath()));
  expect(controller.intent.generation).toBe(502);
});
