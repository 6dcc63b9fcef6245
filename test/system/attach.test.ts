/**
 * `dvr port attach` and `dvr port detach`, the one way anything is plugged: what appears, that all of it
 * goes again, that a refusal changes nothing, and that a namespace may vanish without a word.
 */
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { controllerClient } from '../../src/cli/client.js';
import {
  cpuSeconds, descriptorCount, jsonOf, killAndWait, linksAt, pidOf, portNow, rowsOf, until,
} from '../support/facts.js';
import { type Ran, run, withLab } from '../support/lab.js';

const kCommandMs = 10_000;
const kCycles = 100;
const kCyclesMs = 600_000;
const web = '/run/netns/web';

async function ip(...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await run('ip', words, kCommandMs);
  if (code !== 0) throw new Error(`ip ${words.join(' ')}: ${stderr}`);
  return stdout;
}

const lab = withLab();
const attach = (...words: string[]): Promise<Ran> =>
  lab.dvr('port', 'attach', 'web', '--json', ...words);
const attachRed = (...words: string[]): Promise<Ran> =>
  attach('--network', 'red', '--node', 'cn1', ...words);
const detach = (): Promise<Ran> => lab.dvr('port', 'detach', 'web', '--json');
const jsonInside = async (...words: string[]): Promise<Record<string, unknown>[]> =>
  JSON.parse(await ip('-n', 'web', '-json', ...words) || '[]') as Record<string, unknown>[];

/** Everything that an attach changes, and that a detach or a refusal must leave as it was. */
async function traces(): Promise<unknown> {
  return {
    port: await portNow('web'), rows: [await rowsOf('cn1'), await rowsOf('cn2')],
    links: await linksAt(lab, 'cn1'),
    neighbours: (await lab.exec('dvr-cn1-qrouter-r1', [
      'ip', 'neigh', 'show', 'nud', 'permanent',
    ])).stdout,
    inside: existsSync(web)
      ? (await ip('-n', 'web', 'address', 'show')).replace(/^1: lo: <[^]*?(?=^\d|$(?![^]))/m, '')
      : 'no namespace',
  };
}

afterEach(async () => {
  await detach();
  if (existsSync(web)) await ip('netns', 'delete', 'web');
});

describe('attaching a port that does not exist', () => {
  it('makes it, with a device inside that has MAC, address, routes and MTU, and can be talked to', async () => {
    await ip('netns', 'add', 'web');
    const port = jsonOf(await attachRed('--netns', web));
    expect(port).toMatchObject({
      name: 'web', network: 'red', node: 'cn1', state: 'up', madeBy: 'attach', ips: ['10.1.0.3'],
    });
    const [device] = await jsonInside('address', 'show', 'dev', 'eth0');
    expect(device).toMatchObject({
      address: port['mac'], mtu: 1500, operstate: expect.stringMatching('UP|UNKNOWN') as string,
    });
    expect((device?.['addr_info'] as unknown[])[0]).toMatchObject({
      local: '10.1.0.3', prefixlen: 24,
    });
    expect((await jsonInside('route', 'show')).map(({ dst, gateway }) => [dst, gateway])).toEqual(
      [['default', '10.1.0.1'], ['10.1.0.0/24', undefined]],
    );
    expect(
      (await run(
        'ip', ['netns', 'exec', 'web', 'ping', '-c', '3', '-i', '0.2', '10.2.0.12'], kCommandMs,
      )).stdout,
    ).toContain(
      '3 received',
    );
    expect(await lab.ping('vm2', '10.1.0.3')).toBe(3);
  });

  it('and detaching it leaves nothing of it: port, device, route, row, neighbour, TAP', async () => {
    await ip('netns', 'add', 'web');
    const before = await traces();
    await attachRed('--netns', web, '--ip', '10.1.0.77');
    expect(await traces()).not.toEqual(before);
    expect((await detach()).code).toBe(0);
    expect(await traces()).toEqual(before);
    expect(await portNow('web')).toBeUndefined();
  });

  it('leaves a default route that was there as it is, and detaching leaves it there', async () => {
    await ip('netns', 'add', 'web');
    await ip('-n', 'web', 'link', 'add', 'lan', 'type', 'veth', 'peer', 'name', 'lan-peer');
    for (const end of ['lan', 'lan-peer']) await ip('-n', 'web', 'link', 'set', end, 'up');
    await ip('-n', 'web', 'address', 'add', '192.0.2.2/24', 'dev', 'lan');
    await ip('-n', 'web', 'route', 'add', 'default', 'via', '192.0.2.1', 'metric', '20100');
    const defaults = async (): Promise<unknown[]> =>
      (await jsonInside('route', 'show', 'default')).map(({ gateway, metric }) => [gateway, metric]);
    expect((await attachRed('--netns', web)).code).toBe(0);
    expect((await defaults())[0]).toEqual(['192.0.2.1', 20_100]);
    expect((await jsonInside('route', 'get', '198.51.100.1'))[0]).toMatchObject({ dev: 'lan' });
    expect(await lab.ping('vm3', '10.1.0.3')).toBe(3);
    expect((await detach()).code).toBe(0);
    expect(await defaults()).toEqual([['192.0.2.1', 20_100]]);
  });

  it('by a process, under a name of choice', async () => {
    const process = await lab.start('fabric', [
      'unshare', '--net', 'sh', '-c', 'echo ready; exec sleep 300',
    ]);
    const pid = await pidInside(process);
    const port = jsonOf(await attachRed('--pid', String(pid), '--ifname', 'lan0'));
    expect(port).toMatchObject({ state: 'up', attachment: { pid, ifname: 'lan0' } });
    const inside = await run(
      'nsenter',
      [`--net=/proc/${pid}/ns/net`, 'ip', '-brief', 'address', 'show', 'dev', 'lan0'],
      kCommandMs,
    );
    expect(inside.stdout).toContain('10.1.0.3/24');
    expect((await detach()).code).toBe(0);
    expect(
      (await run(
        'nsenter', [`--net=/proc/${pid}/ns/net`, 'ip', 'link', 'show', 'lan0'], kCommandMs,
      )).code,
    ).not.toBe(
      0,
    );
    process.kill('SIGKILL');
  });

  it('twice is once', async () => {
    await ip('netns', 'add', 'web');
    const first = jsonOf(await attachRed('--netns', web));
    const second = await attachRed('--netns', web);
    expect([second.code, jsonOf(second)]).toEqual([0, first]);
  });
});

/** The child's own pid, or that of the namespace's process below it: `ip netns exec` becomes its command. */
async function pidInside(child: ChildProcess): Promise<number> {
  const pid = child.pid ?? 0;
  await until('the process sleeps', async () =>
    (await run('ps', ['-o', 'comm=', '-p', String(pid)], kCommandMs)).stdout.trim() === 'sleep');
  return pid;
}

describe('an attach that cannot be changes nothing and says why', () => {
  it.each<[string, string[], RegExp]>([
    [
      'a path where nothing is',
      ['--network', 'red', '--node', 'cn1', '--netns', '/run/netns/nowhere'],
      /no network namespace at \/run\/netns\/nowhere/,
    ],
    [
      "the machine's own namespace",
      ['--network', 'red', '--node', 'cn1', '--netns', '/proc/1/ns/net'],
      /: attach-netns\.sh: \/proc\/1\/ns\/net is the machine's own network namespace/,
    ],
    [
      'a path that is a plain file',
      ['--network', 'red', '--node', 'cn1', '--netns', '/etc/hostname'],
      /no network namespace at \/etc\/hostname/,
    ],
    ['an unknown node', ['--network', 'red', '--node', 'cn7', '--netns', web], /"cn7"/],
    ['an unknown network', ['--network', 'blue', '--node', 'cn1', '--netns', web], /"blue"/],
    [
      'an address in use',
      ['--network', 'red', '--node', 'cn1', '--netns', web, '--ip', '10.1.0.11'],
      /10\.1\.0\.11.*vm1/,
    ],
    [
      'an address outside the network',
      ['--network', 'red', '--node', 'cn1', '--netns', web, '--ip', '10.9.0.1'],
      /10\.9\.0\.1/,
    ],
    [
      'no network for a new port',
      ['--node', 'cn1', '--netns', web],
      /a network and a node are needed/,
    ],
    ['neither path nor process', ['--network', 'red', '--node', 'cn1'], /either --netns, --pid or --dev/],
    [
      'a process that is none',
      ['--network', 'red', '--node', 'cn1', '--pid', '4194000'],
      /4194000/,
    ],
  ])('%s', async (_, words, message) => {
    await ip('netns', 'add', 'web');
    const before = await traces();
    const refused = await attach(...words);
    expect(refused.code).not.toBe(0);
    expect([refused.code, jsonOf(refused)['detail']]).toEqual([
      expect.toSatisfy((code: number) => [1, 5].includes(code)), expect.stringMatching(message),
    ]);
    expect(await traces()).toEqual(before);
  });

  it("a process in the node's own namespace", async () => {
    const before = await traces();
    const refused = await attachRed('--pid', String(pidOf('agent cn1')));
    expect(jsonOf(refused)).toMatchObject({
      code: 'DVR_ATTACH_FAILED',
      detail: expect.stringContaining("the machine's own network namespace") as string,
    });
    expect(await traces()).toEqual(before);
  });

  it('a device of that name is there already', async () => {
    await ip('netns', 'add', 'web');
    await ip('-n', 'web', 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth1');
    const before = await traces();
    const refused = await attachRed('--netns', web);
    expect(jsonOf(refused)).toMatchObject({
      code: 'DVR_ATTACH_FAILED', detail: expect.stringContaining('eth0 is in') as string,
    });
    expect(await traces()).toEqual(before);
    expect((await attachRed('--netns', web, '--ifname', 'eth9')).code).toBe(0);
  });

  it('a port that is plugged in elsewhere', async () => {
    await ip('netns', 'add', 'web');
    const refused = await lab.dvr('port', 'attach', 'vm1', '--netns', web, '--json');
    expect(jsonOf(refused)).toMatchObject({
      code: 'DVR_CONFLICT', hint: expect.stringContaining('dvr port detach vm1') as string,
    });
    expect(await lab.ping('vm1', '10.2.0.12')).toBe(3);
  });
});

describe('a namespace deleted without a word', () => {
  it('leaves no spinning worker, no row and no pinned namespace; its port goes with it and can be attached again', async () => {
    await ip('netns', 'add', 'web');
    const before = await rowsOf('cn1');
    await attachRed('--netns', web);
    // Its end outside goes when the namespace really does, and stays as long as anything pins it.
    await ip('link', 'add', 'canary', 'type', 'veth', 'peer', 'name', 'inside', 'netns', 'web');
    await ip('netns', 'delete', 'web');
    await until('the namespace is gone', async () =>
      (await run('ip', ['link', 'show', 'canary'], kCommandMs)).code !== 0);
    await until('the port is deleted', async () => (await portNow('web')) === undefined);
    expect((await rowsOf('cn1')).filter((row) => row.includes('(web)'))).toEqual([]);
    const pid = pidOf('dataplane cn1') ?? 0;
    const used = cpuSeconds(pid);
    await sleep(2000);
    // Idle, it looks for packet sockets 40 times a second; a worker that spins uses all of two seconds.
    expect(cpuSeconds(pid) - used).toBeLessThan(0.5);

    await ip('netns', 'add', 'web');
    expect(jsonOf(await attachRed('--netns', web))).toMatchObject({ state: 'up', ips: ['10.1.0.3'] });
    expect(await lab.ping('vm2', '10.1.0.3')).toBe(3);
    await detach();
    expect(await rowsOf('cn1')).toEqual(before);
  });

  it('does not disturb its neighbours on the node', async () => {
    await ip('netns', 'add', 'web');
    await attachRed('--netns', web);
    const { result } = await lab.startProbes('vm1', 'vm2', '10.2.0.12', { count: 300 });
    await ip('netns', 'delete', 'web');
    expect(await result).toMatchObject({ sent: 300, lost: 0 });
  });
});

describe('a pid that means another namespace when the agent comes back', () => {
  it('gets no device: the port is gone with the process it was attached to', async () => {
    const moved = join(mkdtempSync(join(tmpdir(), 'dvr-attach-')), 'moved');
    const words = 'echo ready; until [ -e "$0" ]; do sleep 0.1; done; exec unshare --net sleep 300';
    const process_ = await lab.start('fabric', ['unshare', '--net', 'sh', '-c', words, moved]);
    expect((await attachRed('--pid', String(process_.pid))).code).toBe(0);
    // Stopped, it does not see that the device goes.
    process.kill(pidOf('agent cn1') ?? 0, 'SIGSTOP');
    writeFileSync(moved, '');
    await pidInside(process_);
    await killAndWait('agent cn1');
    await until('the port is deleted', async () => (await portNow('web')) === undefined);
    const inside = await run(
      'nsenter', [`--net=/proc/${process_.pid}/ns/net`, 'ip', '-brief', 'link'], kCommandMs,
    );
    expect(inside.stdout).toMatch(/^lo .*\n$/);
    process_.kill('SIGKILL');
  });
});

describe(`${kCycles} times attached and detached`, () => {
  it('leaves no row, neighbour, link or descriptor behind', async () => {
    await ip('netns', 'add', 'web');
    const client = controllerClient();
    const cycle = async (): Promise<void> => {
      await client.attach('web', { network: 'red', node: 'cn1', netns: web, ifname: 'eth0' });
      await client.detach('web');
    };
    const descriptors = (): number[] =>
      ['agent cn1', 'dataplane cn1', 'controller'].map((role) => descriptorCount(pidOf(role) ?? 0));
    await cycle();
    const before = { traces: await traces(), descriptors: descriptors() };
    for (let count = 0; count < kCycles; ++count) await cycle();
    expect({ traces: await traces(), descriptors: descriptors() }).toEqual(before);
  }, kCyclesMs);
});
