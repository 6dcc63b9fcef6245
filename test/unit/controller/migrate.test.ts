/** Migrating a port through the controller's door: what it waits for, what it says, and that nothing is left of what fails. */
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { controllerClient, type Client } from '../../../src/cli/client.js';
import type { Controller } from '../../../src/controller/controller.js';
import { silentLog } from '../../../src/controller/log.js';
import { startServer } from '../../../src/controller/server.js';
import type { NodeView, PortReport } from '../../../src/model/node-view.js';
import { allUp, FakeAgent } from './fake-agent.js';
import { controllerWith, temporaryFolder } from './kept.js';
import { seedState } from './support.js';

const vteps = { cn1: '172.16.0.11', cn2: '172.16.0.12', nn1: '172.16.0.21' } as const;
const place = { node: 'nn1', netns: '/run/netns/vm1b' };
const silent = (): undefined => undefined;
const WAIT_MS = 300;

let controller: Controller;
let client: Client;
let socketPath: string;

beforeEach(async () => {
  controller = await controllerWith(seedState().intent);
  socketPath = join(temporaryFolder(), 'controller.sock');
  const server = await startServer({ controller, socketPath, log: silentLog, attachWaitMs: WAIT_MS });
  onTestFinished(() => server.close());
  client = controllerClient(socketPath);
});

async function agentOf(node: keyof typeof vteps, onView: (view: NodeView) => readonly PortReport[] | undefined = allUp): Promise<FakeAgent> {
  const agent = await FakeAgent.connect(`ws+unix://${socketPath}:/dvr/v1/agent`, node);
  onTestFinished(() => { agent.close(); });
  agent.onView = onView;
  agent.register(vteps[node]);
  await agent.view();
  return agent;
}
const binding = () => controller.intent.ports.get('vm1')?.binding;

describe('preparing a migration', () => {
  it('answers when the node is ready, and again when asked again', async () => {
    await agentOf('nn1');
    for (let times = 0; times < 2; ++times)
      expect(await client.prepareMigration('vm1', place)).toMatchObject({ node: 'cn1', migratingTo: 'nn1' });
    expect(binding()?.migration).toMatchObject({ to: 'nn1', attachment: { netns: '/run/netns/vm1b', ifname: 'eth0' } });
  });

  it('needs no place yet: then the node is ready without the device', async () => {
    await agentOf('nn1', (view) => view.localPorts.map(({ name }) => ({ name, state: 'down' })));
    expect(await client.prepareMigration('vm1', { node: 'nn1' })).toMatchObject({ migratingTo: 'nn1' });
  });

  it('is refused where no agent of that node is connected, and nothing is changed', async () => {
    const before = controller.intent;
    await expect(client.prepareMigration('vm1', place)).rejects.toMatchObject({ code: 'DVR_NODE_UNREACHABLE' });
    expect(controller.intent).toBe(before);
  });

  it.each([
    ['cannot plug the device in', (): PortReport[] => [{ name: 'vm1', state: 'error', error: 'no such namespace' }], 'DVR_ATTACH_FAILED', 'no such namespace'],
    ['says nothing in time', silent, 'DVR_TIMEOUT', 'nn1'],
  ] as const)('is given up where the node %s', async (_what, onView, code, words) => {
    const agent = await agentOf('nn1', silent);
    agent.onView = onView;
    const refused = await client.prepareMigration('vm1', place).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code, message: expect.stringContaining(words) as string });
    expect(binding()).toEqual({ node: 'cn1', boundAt: binding()?.boundAt });
  });

  it.each([
    ['no node', { netns: '/x' }, 'node'],
    ['a node with a name that is none', { node: 'NN 1' }, 'node: "NN 1"'],
    ['two places', { ...place, pid: 1 }, 'exactly one of'],
    ['a path that is not absolute', { ...place, netns: 'x' }, 'netns: "x"'],
    ['a network, which it keeps', { ...place, network: 'green' }, '"network" is unknown'],
  ])('is refused with %s, and nothing is changed', async (_what, body, words) => {
    await agentOf('nn1');
    const before = controller.intent;
    await expect(client.prepareMigration('vm1', body as never)).rejects
      .toMatchObject({ code: 'DVR_USAGE', message: expect.stringContaining(words) as string });
    expect(controller.intent).toBe(before);
  });
});

describe('finishing a migration', () => {
  it('answers when every connected node has applied it', async () => {
    const agents = await Promise.all([agentOf('nn1'), agentOf('cn1'), agentOf('cn2')]);
    await client.prepareMigration('vm1', place);
    expect(await client.finishMigration('vm1')).toMatchObject({ node: 'nn1', state: 'up', attachment: { netns: '/run/netns/vm1b' } });
    const { generation } = controller.intent;
    for (const agent of agents) expect(agent.views.at(-1)?.generation).toBe(generation);
  });

  it('says which node has not, and has moved the port all the same', async () => {
    await agentOf('nn1');
    await agentOf('cn2', silent);
    await client.prepareMigration('vm1', place);
    await expect(client.finishMigration('vm1')).rejects.toMatchObject({ code: 'DVR_TIMEOUT', message: expect.stringContaining('cn2') as string });
    expect(binding()).toMatchObject({ node: 'nn1' });
  });

  it('is refused where nothing was prepared, and so is giving up a port that there is not', async () => {
    await expect(client.finishMigration('vm1')).rejects.toMatchObject({ code: 'DVR_CONFLICT' });
    await expect(client.abortMigration('vm9')).rejects.toMatchObject({ code: 'DVR_NOT_FOUND' });
    expect(await client.abortMigration('vm1')).toMatchObject({ node: 'cn1' });
  });
});
