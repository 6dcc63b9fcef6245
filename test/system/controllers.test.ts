/**
 * Three controllers that share an etcd, and one node whose agent is connected to all of them: real processes, killed.
 *
 *     dvr port … ──► controller a ─┐            ┌─ agent n ── dataplane n ── vm1, vm2
 *                    controller b ─┼── etcd     │
 *                    controller c ─┴────────────┘
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { root } from '../../src/lab/scripts.js';
import { Etcd } from '../support/etcd.js';
import { until } from '../support/facts.js';
import { run, type Ran } from '../support/lab.js';

const names = ['a', 'b', 'c'] as const;
type Name = (typeof names)[number];

const topology = `
underlay: { cidr: 172.16.0.0/24, mtu: 1500 }
nodes: { n: { vtep: 172.16.0.11 } }
networks: { red: { subnets: [10.1.0.0/24] }, green: { subnets: [10.2.0.0/24] } }
routers: { r1: { networks: [red, green] } }
`;

let etcd: Etcd;
let folder: string;
const started = new Map<string, ChildProcess>();
const outputs = new Map<string, string>();

/** Where a controller has its socket, and the node's processes theirs. */
const runDir = (name: string): string => join(folder, name);
const dvrWords = (...words: readonly string[]): readonly string[] => [join(root, 'dist/cli/main.js'), ...words];

function start(name: string, words: readonly string[], dir: string): void {
  mkdirSync(dir, { recursive: true });
  const child = spawn(process.execPath, dvrWords(...words), {
    env: { ...process.env, DVR_RUN_DIR: dir, DVR_STATE_DIR: join(dir, 'state') }, stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => { outputs.set(name, `${outputs.get(name) ?? ''}${chunk.toString()}`.slice(-10_000)); });
  started.set(name, child);
}

async function startController(name: Name): Promise<void> {
  rmSync(join(runDir(name), 'controller.sock'), { force: true });
  const file = join(folder, 'topology.yaml');
  start(name, ['controller', '--etcd', etcd.url, '--topology', file], runDir(name));
  await until(`controller ${name} listens: ${outputs.get(name) ?? ''}`, () => existsSync(join(runDir(name), 'controller.sock')));
}

async function killController(name: Name): Promise<void> {
  const child = started.get(name);
  if (child === undefined) throw new Error(`there is no controller ${name}`);
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

/** Asks one of the controllers. */
const ask = (name: Name, ...words: readonly string[]): Promise<Ran> =>
  run('env', [`DVR_RUN_DIR=${runDir(name)}`, process.execPath, ...dvrWords(...words)], 20_000);

async function isReadyAt(name: Name): Promise<boolean> {
  const { stdout } = await ask(name, 'status', '--json');
  return stdout !== '' && (JSON.parse(stdout) as { converged?: boolean }).converged === true;
}

const attach = async (by: Name, vm: string, network: string, ip: string): Promise<number> => {
  await run('ip', ['netns', 'add', vm], 5_000);
  const began = performance.now();
  const ran = await ask(by, 'port', 'attach', vm, '--network', network, '--node', 'n', '--ip', ip, '--netns', `/run/netns/${vm}`);
  expect(ran, outputs.get(by)).toMatchObject({ code: 0 });
  return performance.now() - began;
};
const pings = async (ip: string): Promise<Ran> => await run('ip', ['netns', 'exec', 'vm1', 'ping', '-c', '1', '-W', '2', ip], 5_000);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dvr-three-'));
  etcd = await Etcd.start();
  writeFileSync(join(folder, 'topology.yaml'), topology);
  for (const words of [
    ['tuntap', 'add', 'eth0', 'mode', 'tap'], ['address', 'add', '172.16.0.11/24', 'dev', 'eth0'], ['link', 'set', 'eth0', 'up'],
  ]) await run('ip', words, 5_000);
  for (const name of names) await startController(name);
  start('dataplane', ['dataplane', '--node', 'n'], runDir('node'));
  const addresses = names.flatMap((name) => ['--controller', `unix:${join(runDir(name), 'controller.sock')}`]);
  start('agent', ['agent', '--node', 'n', '--vtep-ip', '172.16.0.11', ...addresses], runDir('node'));
  for (const name of names) await until(`controller ${name} has the node: ${outputs.get('agent') ?? ''}`, () => isReadyAt(name));
});

afterAll(async () => {
  for (const child of started.values()) child.kill('SIGKILL');
  await etcd.end();
  rmSync(folder, { recursive: true, force: true });
});

it('a change made by any controller reaches the node, and its report reaches them all', async () => {
  await attach('a', 'vm1', 'red', '10.1.0.11');
  await attach('b', 'vm2', 'green', '10.2.0.12');
  expect(await pings('10.2.0.12')).toMatchObject({ code: 0 });
  for (const name of names) await until(`${name} knows that both are up`, async () => {
    const { stdout } = await ask(name, 'port', 'list', '--json');
    return (stdout.match(/"state": ?"up"/g) ?? []).length === 2;
  });
});

it('while controllers are killed and come back, changes are made by the others and nobody loses a ping', async () => {
  const flow = run('ip', ['netns', 'exec', 'vm1', 'ping', '-i', '0.02', '-c', '600', '-W', '2', '10.2.0.12'], 60_000);
  const tookMs: number[] = [];
  await killController('a');
  tookMs.push(await attach('b', 'vm3', 'red', '10.1.0.13'));
  await killController('b');
  tookMs.push(await attach('c', 'vm4', 'green', '10.2.0.14'));
  expect(await pings('10.2.0.14')).toMatchObject({ code: 0 });
  await startController('a');
  await killController('c');
  await until('a has the node', () => isReadyAt('a'));
  tookMs.push(await attach('a', 'vm5', 'green', '10.2.0.15'));
  expect(await pings('10.2.0.15')).toMatchObject({ code: 0 });
  console.log(`from a controller's death to a port plugged in by another: ${tookMs.map((ms) => ms.toFixed(0)).join(', ')} ms`);
  expect((await flow).stdout).toContain('600 packets transmitted, 600 received');
});

it('a controller that comes back says the same as the others, and takes nothing back', async () => {
  for (const name of ['b', 'c'] as const) await startController(name);
  for (const name of names) await until(`${name} has the node`, () => isReadyAt(name));
  const viewOf = async (name: Name): Promise<Record<string, unknown>> => {
    const socket = join(runDir(name), 'controller.sock');
    const { stdout } = await run('curl', ['-s', '--unix-socket', socket, 'http://dvr/dvr/v1/nodes/n/view'], 5_000);
    const { generation: _stamp, ...content } = JSON.parse(stdout) as Record<string, unknown>;
    return content;
  };
  const views = await Promise.all(names.map(viewOf));
  expect(views[0]?.['localPorts']).toHaveLength(5);
  expect(views[1]).toEqual(views[0]);
  expect(views[2]).toEqual(views[0]);
});

it('when all are gone nothing changes, and the first that comes back is enough', async () => {
  for (const name of names) await killController(name);
  expect(await pings('10.2.0.15')).toMatchObject({ code: 0 });
  await startController('b');
  await until('b has the node', () => isReadyAt('b'));
  expect(await ask('b', 'port', 'detach', 'vm5')).toMatchObject({ code: 0 });
  expect((await pings('10.2.0.15')).code).not.toBe(0);
});
