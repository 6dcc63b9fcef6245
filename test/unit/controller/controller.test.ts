/** A controller on its store: what is kept, what is told, and what becomes of it when the store fails. */
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { MAX_WAITING_COMMANDS } from '../../../src/controller/command-queue.js';
import { Controller } from '../../../src/controller/controller.js';
import { emptyIntent } from '../../../src/controller/intent.js';
import { MAX_DECISIONS } from '../../../src/controller/store/kept-intent.js';
import { LevelStore } from '../../../src/controller/store/level.js';
import { storeUnreachable, type Batch, type KeyValueStore } from '../../../src/controller/store/store.js';
import type { IpAddress } from '../../../src/model/addresses.js';
import { FaultyStore } from './store/faulty-store.js';
import { temporaryFolder } from './kept.js';
import { apply, attachCommand, bind, seedText } from './support.js';

async function opened(store: KeyValueStore): Promise<Controller> {
  const controller = await Controller.open(store);
  onTestFinished(() => controller.close());
  return controller;
}

/** A store that fails as told, and two controllers that share it: the second one's way to it is whole. */
async function shared(): Promise<{ first: Controller; second: Controller; faulty: FaultyStore }> {
  const store = await LevelStore.open(temporaryFolder());
  const faulty = new FaultyStore(store);
  const second = await opened(new FaultyStore(store));
  await second.execute(apply(seedText));
  return { first: await opened(faulty), second, faulty };
}

const ips = (n: number): { ips: readonly IpAddress[] } => ({ ips: [`10.1.0.${n}` as IpAddress] });

describe('a controller', () => {
  it('has the same allocations and generation after a restart', async () => {
    const folder = temporaryFolder();
    const first = await Controller.open(await LevelStore.open(folder));
    await first.execute(apply(seedText));
    await first.execute(attachCommand('vm1'));
    await first.execute(attachCommand('c1', { network: 'green', node: 'nn1' }));
    await first.close();
    const second = await opened(await LevelStore.open(folder));
    expect(second.intent).toEqual(first.intent);
    expect(second.view('cn1')).toEqual({ ...first.view('cn1'), generation: second.intent.generation });
  });

  it('writes what has changed and nothing else', async () => {
    const store = new FaultyStore(await LevelStore.open(temporaryFolder()), false);
    const batches: Batch[] = [];
    store.onWrite = (batch, write) => { batches.push(batch); return write(); };
    const controller = await opened(store);
    await controller.execute(apply(seedText));
    await controller.execute(bind('vm1', 'cn1'));
    await controller.execute(bind('vm1', 'cn1'));
    await controller.execute(apply(`${seedText}\n# the same, made anew`));
    await controller.execute({ command: 'deletePort', name: 'vm1' });
    expect(batches.slice(1).map(({ changes }) => changes.map(({ key, value }) => `${key}${value === undefined ? ' gone' : ''}`)))
      .toEqual([['head', 'port/vm1', 'record/port vm1'], ['head', 'port/vm1 gone', 'record/port vm1 gone']]);
  });

  it('tells listeners a view exactly when its content has changed', async () => {
    const controller = await opened(await LevelStore.open(temporaryFolder()));
    await controller.execute(apply(seedText));
    const told: string[] = [];
    controller.listen({ view: (node, { generation }) => told.push(`${node} ${generation}`) });
    await controller.execute(attachCommand('vm1'));
    await controller.execute(attachCommand('vm1'));
    await controller.execute(apply(seedText));
    await controller.execute(attachCommand('vm2'));
    expect(told).toEqual(['cn1 2', 'cn1 3', 'cn2 3']);
  });

  it('does commands in the order in which they were given, and takes no more than it can hold', async () => {
    const controller = await opened(await LevelStore.open(temporaryFolder()));
    await controller.execute(apply(seedText));
    const report = { node: 'cn1', ports: [], errors: [] };
    const all = Array.from({ length: MAX_WAITING_COMMANDS + 1 }, (_, n) =>
      controller.execute({ command: 'reportNode', report: { ...report, generation: n % 2 } }).then(() => 'done', (error: unknown) => error));
    const answers = await Promise.all(all);
    expect(answers.pop()).toMatchObject({ code: 'DVR_BUSY' });
    expect(new Set(answers)).toEqual(new Set(['done']));
    expect(controller.state.reports.get('cn1')?.generation).toBe(1);
    await controller.execute(bind('vm1', 'cn1'));
  });

  it('changes nothing where the disk cannot be written', async () => {
    const store = new FaultyStore(await LevelStore.open(temporaryFolder()), false);
    const controller = await opened(store);
    store.onWrite = () => Promise.reject(storeUnreachable('the disk', new Error('no space left on device')));
    await expect(controller.execute(apply(seedText))).rejects.toMatchObject({
      code: 'DVR_STORE_UNREACHABLE', message: expect.stringContaining('no space left on device') as string,
    });
    expect(controller.intent).toBe(emptyIntent);
  });

  it.each<[string, string, (value: string) => string | undefined, string]>([
    ['is cut off', 'port/vm1', (value) => value.slice(0, 40), 'port/vm1 is no JSON'],
    ['is of another version', 'head', (value) => value.replace('"version":1', '"version":2'), 'head is of another version'],
    ['has a router that routes in no known way', 'router/r1', (value) => value.replace('"auto"', '"quick"'),
      'router/r1.routing is not one of auto, namespace, fast'],
    ['lacks a value', 'node/cn1', (value) => value.replace('"dvrMac"', '"other"'), 'node/cn1.dvrMac is missing'],
    ['holds a broken address', 'port/vm1', (value) => value.replace('10.1.0.11', '10.1.0.999'), 'port/vm1.ips[0] is not an IP address'],
    ['holds another thing than its key says', 'port/vm1', (value) => value.replace('"vm1"', '"vm9"'), 'port/vm1 holds vm9'],
    ['has a DVR MAC of no node', 'dvr-mac/A B', () => '"fa:16:3f:00:00:07"', 'the key dvr-mac/A B is not a name'],
    ['holds what nobody knows', 'gate/x', () => '{}', 'gate/x is nothing that this version writes'],
  ])('does not start on a state that %s', async (_what, key, damage, why) => {
    const folder = join(temporaryFolder(), 'store');
    const before = await Controller.open(await LevelStore.open(folder));
    await before.execute(apply(seedText));
    await before.close();
    const store = await LevelStore.open(folder);
    onTestFinished(() => store.close());
    const value = await store.get(key);
    await store.write({ compare: { key: 'nothing' }, changes: [{ key, value: damage(value ?? '') ?? '' }] });
    await expect(Controller.open(store)).rejects.toMatchObject({
      code: 'DVR_STATE_UNREADABLE', message: expect.stringContaining(why) as string,
    });
  });
});

describe('controllers that share a store', () => {
  it('tell their agents of what the others have done, with the same generation', async () => {
    const { first, second } = await shared();
    const told: string[] = [];
    first.listen({
      view: (node, { generation }) => told.push(`${node} ${generation}`),
      nodeGone: (node) => told.push(`${node} gone`),
    });
    await second.execute(bind('vm1', 'cn1'));
    await second.execute(apply(seedText.replace(/^ {2}nn1:.*\n/m, '')));
    expect(told).toEqual(['cn1 2', 'nn1 gone', 'cn1 3', 'cn2 3']);
    expect(first.intent).toEqual(second.intent);
    expect(first.view('cn1')).toEqual(second.view('cn1'));
  });

  it('keep as they are what another has not touched', async () => {
    const { first, second } = await shared();
    const before = first.intent;
    await second.execute(bind('vm1', 'cn1'));
    expect(first.intent.ports.get('vm2')).toBe(before.ports.get('vm2'));
    expect(first.intent.networks).toBe(before.networks);
  });

  it('lose nothing when all write at once, and give no address twice', async () => {
    const { first, second } = await shared();
    const names = Array.from({ length: 40 }, (_, n) => `c${n}`);
    await Promise.all(names.map((name, n) => (n % 2 === 0 ? first : second).execute(attachCommand(name, { network: 'red', node: 'cn1' }))));
    expect(names.filter((name) => !first.intent.ports.has(name))).toEqual([]);
    expect(new Set([...first.intent.ports.values()].flatMap((port) => port.ips)).size).toBe(first.intent.ports.size);
    expect(second.intent).toEqual(first.intent);
  });

  it('refuse by what is so now, not by what one of them has not heard of yet', async () => {
    const { first, second, faulty } = await shared();
    faulty.isWatchDeaf = true;
    await second.execute({ command: 'deletePort', name: 'vm1' });
    expect(first.intent.ports.has('vm1')).toBe(true);
    await expect(first.execute(bind('vm1', 'cn1'))).rejects.toMatchObject({ code: 'DVR_NOT_FOUND' });
    faulty.isWatchDeaf = false;
    await second.execute(bind('vm2', 'cn2'));
    expect(first.intent).toEqual(second.intent);
  });

  it('do not judge an agent by less than it has heard from another', async () => {
    const { first, second, faulty } = await shared();
    faulty.isWatchDeaf = true;
    await second.execute(bind('vm1', 'cn1'));
    const agent = { node: 'cn1', generation: second.intent.generation };
    await first.execute({ command: 'registerNode', vtepIp: '172.16.0.11', underlayMtuBytes: 1600, ...agent });
    await first.execute({ command: 'reportNode', report: { ports: [], errors: [], ...agent } });
    expect(first.state.reports.get('cn1')?.generation).toBe(agent.generation);
    expect(first.intent.ports.get('vm1')).toEqual(second.intent.ports.get('vm1'));
  });

  it('do a command once, also where the answer of the store is lost', async () => {
    const { first, faulty } = await shared();
    let writes = 0;
    faulty.onWrite = async (_batch, write) => {
      writes++;
      await write();
      throw storeUnreachable('etcd', new Error('the answer was lost'));
    };
    const events = await first.execute(attachCommand('c1', { network: 'red', node: 'cn1' }));
    expect([writes, events]).toEqual([1, [{ event: 'port_created', port: 'c1' }, { event: 'port_bound', port: 'c1', node: 'cn1' }]]);
  });

  it('do a command once, also where the answer is lost, the watch breaks and others go on writing', async () => {
    const { first, second, faulty } = await shared();
    let writes = 0;
    faulty.onWrite = async (_batch, write) => {
      writes++;
      faulty.isWatchDeaf = true;
      await write();
      await second.execute(bind('vm2', 'cn2'));
      await second.execute(bind('vm3', 'cn2'));
      throw storeUnreachable('etcd', new Error('the answer was lost'));
    };
    const events = await first.execute(attachCommand('c1', { network: 'red', node: 'cn1' }));
    expect([writes, events.map(({ event }) => event)]).toEqual([1, ['port_created', 'port_bound']]);
    expect(first.intent).toEqual(second.intent);
  });

  it('decide again where the store did not get the write', async () => {
    const { first, second, faulty } = await shared();
    let fails = 3;
    faulty.onWrite = async (_batch, write) => {
      if (fails-- > 0) throw storeUnreachable('etcd', new Error('nobody answers'));
      return await write();
    };
    await first.execute(bind('vm1', 'cn1'));
    expect(second.intent.ports.get('vm1')?.binding?.node).toBe('cn1');
  });

  it('give up on a store that always finds another first', async () => {
    const { first, faulty } = await shared();
    let writes = 0;
    faulty.onWrite = () => { writes++; return Promise.resolve(false); };
    await expect(first.execute(bind('vm1', 'cn1'))).rejects.toMatchObject({ code: 'DVR_BUSY' });
    expect(writes).toBe(MAX_DECISIONS);
  });

  it('refuse people while the store cannot be reached, but take in agents by what they know', async () => {
    const { first, faulty } = await shared();
    faulty.onGet = () => Promise.reject(storeUnreachable('etcd', new Error('nobody answers')));
    await expect(first.execute(bind('vm1', 'cn1'))).rejects.toMatchObject({ code: 'DVR_STORE_UNREACHABLE', status: 503 });
    await expect(first.fresh()).rejects.toMatchObject({ code: 'DVR_STORE_UNREACHABLE' });
    await first.execute({ command: 'reportNode', report: { node: 'cn1', generation: 1, ports: [], errors: [] } });
    expect(first.state.reports.get('cn1')?.generation).toBe(1);
    expect(first.view('cn1')?.generation).toBe(1);
  });

  it('read everything anew where the watch breaks, as often as it takes', async () => {
    const { first, second, faulty } = await shared();
    const changed = new Promise<void>((resolve) => { first.listen({ view: () => resolve() }); });
    faulty.isWatchDeaf = true;
    await second.execute(bind('vm1', 'cn1'));
    faulty.isWatchDeaf = false;
    let fails = 2;
    faulty.onRange = (range) => (fails-- > 0 ? Promise.reject(new Error('nobody answers')) : range());
    for (const watcher of [...faulty.watchers]) watcher.lost(new Error('compacted'));
    await changed;
    expect(first.intent).toEqual(second.intent);
    await second.execute(bind('vm2', 'cn2'));
    expect(first.intent).toEqual(second.intent);
  });

  it('take nothing from a store that went back in time', async () => {
    const { first, second, faulty } = await shared();
    const head = await faulty.get('head');
    await second.execute(bind('vm1', 'cn1'));
    faulty.onGet = () => Promise.resolve(head);
    await expect(first.fresh()).rejects.toMatchObject({
      code: 'DVR_STATE_UNREADABLE', message: expect.stringContaining('went back from revision 2 to 1') as string,
    });
    expect(first.intent.ports.get('vm1')?.binding?.node).toBe('cn1');
  });

  it('take over what somebody has written by hand', async () => {
    const { first, second, faulty } = await shared();
    const value = (await faulty.get('port/vm1') ?? '').replace('10.1.0.11', '10.1.0.99');
    await faulty.write({ compare: { key: 'nothing' }, changes: [{ key: 'port/vm1', value }] });
    await vi.waitFor(() => expect([first, second].map(({ intent }) => intent.ports.get('vm1')?.ips)).toEqual([['10.1.0.99'], ['10.1.0.99']]));
    await first.execute({ command: 'updatePort', name: 'vm3', changes: ips(33) });
    expect(second.intent).toEqual(first.intent);
  });
});
