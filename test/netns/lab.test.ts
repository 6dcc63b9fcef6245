/**
 * The lab itself: what `dvr lab` makes, that it mends what breaks, that it refuses what it must, and
 * that `down` leaves nothing, whatever happened before.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { findLabProcesses, isAlive } from '../../src/lab/processes.js';
import { readHolderPid, readRecord, requireRecord } from '../../src/lab/record.js';
import { defaultTopologyFile, mainFile } from '../../src/lab/scripts.js';
import { jsonOf, pidOf, until } from '../support/facts.js';
import { dvr, run, withLab } from '../support/lab.js';

/** Far longer than a command takes; the machine may be building something else meanwhile. */
const kCommandMs = 40_000;
const api = 'http://127.0.0.1:9696';

const published = (): string[] => readdirSync('/run/netns').filter((name) => name.startsWith('dvr-')).sort();
function expectNothingLeft(): void {
  expect(published()).toEqual([]);
  expect(existsSync('/run/dvr')).toBe(false);
  expect(readdirSync('/var/lib/dvr')).toEqual([]);
  const titles = readdirSync('/proc').filter((pid) => /^\d+$/.test(pid)).map(titleOf);
  expect(titles.filter((title) => /^dvr[ -]/.test(title))).toEqual([]);
}

function titleOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

describe('a lab that is up', () => {
  const lab = withLab();

  it('shows every namespace outside: fabric, nodes, VMs, the outside, and what is inside nodes', async () => {
    const inner = ['cn1-fip-ext', 'cn1-qrouter-r1', 'cn2-fip-ext', 'cn2-qrouter-r1',
      ...['nn1', 'nn2'].flatMap((node) => [`${node}-fip-ext`, `${node}-qrouter-r1`, `${node}-snat-r1`])];
    await until('they are published', () => inner.every((name) => published().includes(`dvr-${name}`)));
    const outer = ['cn1', 'cn2', 'ext', 'fabric', 'nn1', 'nn2', 'upstream', 'vm1', 'vm2', 'vm3', 'vm4'];
    expect(published()).toEqual([...inner, ...outer].map((name) => `dvr-${name}`).sort());
  });

  it('gives a node its own names: only its namespaces in /run/netns, only its devices in /sys', async () => {
    expect((await lab.exec('cn1', ['ls', '/run/netns'])).stdout.split('\n').filter(Boolean)).toEqual(['fip-ext', 'qrouter-r1']);
    const devices = (await lab.exec('cn1', ['ls', '/sys/class/net'])).stdout.split('\n');
    expect(devices).toContain('eth0');
    expect(devices).not.toContain('underlay');
  });

  it('lets vm1 reach vm2 through the router, and vm3 inside its own network', async () => {
    expect(await lab.ping('vm1', '10.2.0.12')).toBe(3);
    expect(await lab.ping('vm1', '10.1.0.13')).toBe(3);
  });

  it('shows each packet of a train on its wire by itself', async () => {
    const capture = await lab.startCapture('fabric', 'cn1', 'udp port 4789');
    const sink = await lab.start('vm2', [process.execPath, '-e', 'require("net").createServer((s) => s.on("data", (d) => s.end())).listen(9, () => console.log("ready"))']);
    await lab.exec('vm1', [process.execPath, '-e', 'require("net").connect(9, "10.2.0.12").end(Buffer.alloc(60000)).on("error", () => {})']);
    const packets = await capture.stop();
    sink.kill();
    // 1500 of the VM, 14 of its frame, and 50 around it.
    expect(packets.length).toBeGreaterThan(40);
    expect(Math.max(...packets.map((packet) => packet.origlen))).toBe(1564);
  });

  it('loses no probe while nothing happens', async () => {
    const probes = await lab.startProbes('vm1', 'vm2', '10.2.0.12', { count: 200 });
    expect(await probes.result).toMatchObject({ sent: 200, received: 200, lost: 0, lostNumbers: [] });
  });

  it('passes exit codes of commands through', async () => {
    expect((await lab.dvr('lab', 'exec', 'vm1', '--', 'sh', '-c', 'exit 23')).code).toBe(23);
    expect((await lab.dvr('lab', 'exec', 'nobody', '--', 'true')).stderr).toContain('the lab has no "nobody"');
  });

  it('says that it is up when it is brought up again, and changes nothing', async () => {
    const before = pidOf('dataplane cn1');
    const again = await lab.dvr('lab', 'up');
    expect([again.code, again.stderr]).toEqual([0, expect.stringContaining('was up already')]);
    expect(pidOf('dataplane cn1')).toBe(before);
  });

  it('refuses a second lab by another name or topology, naming the first', async () => {
    const other = await lab.dvr('lab', 'up', '--name', 'other', '--json');
    expect(other.code).toBe(1);
    expect(jsonOf(other)).toMatchObject({ code: 'DVR_LAB_EXISTS', detail: expect.stringContaining('"lab"') as string });
    const file = join(mkdtempSync(join(tmpdir(), 'dvr-topology-')), 'other.yaml');
    writeFileSync(file, readFileSync(defaultTopologyFile, 'utf8').replace('10.1.0.11', '10.1.0.77'));
    expect((await lab.dvr('lab', 'up', file)).stderr).toContain(defaultTopologyFile);
    rmSync(dirname(file), { recursive: true });
  });

  it('is named, with its run folder, to who looks for it in another one; nothing of it is called nobody\'s', async () => {
    const elsewhere = (...words: string[]) => run('env', ['DVR_RUN_DIR=/run/other', process.execPath, mainFile, 'lab', ...words, '--json'], kCommandMs);
    const named = expect.stringContaining('/run/dvr (supervisor, process') as string;
    const up = await elsewhere('up');
    expect([up.code, jsonOf(up)]).toEqual([1, expect.objectContaining({ code: 'DVR_LAB_EXISTS', detail: named })]);
    expect(up.stderr).not.toContain('delete');
    for (const words of [['status'], ['down']]) {
      const ran = await elsewhere(...words);
      expect([ran.code, jsonOf(ran)]).toEqual([5, expect.objectContaining({ code: 'DVR_NO_LAB', detail: named })]);
    }
  });

  it('leaves with 5 from its status while something is missing', async () => {
    process.kill(pidOf('supervisor') ?? 0, 'SIGKILL');
    const broken = await lab.dvr('lab', 'status', '--json');
    expect([broken.code, jsonOf(broken)['missing']]).toEqual([5, ['process supervisor']]);
    expect((await lab.dvr('lab', 'up')).code).toBe(0);
    expect((await lab.dvr('lab', 'status')).code).toBe(0);
  });

  it.each(['agent cn1', 'dataplane cn1', 'controller'])('starts the %s again when it is killed', async (role) => {
    const before = pidOf(role);
    process.kill(before ?? 0, 'SIGKILL');
    await until(`${role} runs again`, () => ![undefined, before].includes(pidOf(role)));
    await until('the lab is whole', async () => jsonOf(await lab.dvr('lab', 'status', '--json'))['converged'] === true);
    expect(await lab.ping('vm1', '10.2.0.12')).toBe(3);
  });

  it('leaves a dataplane alone that somebody put in the place of its own', async () => {
    const before = pidOf('dataplane cn2');
    const mine = await lab.start('cn2', [process.execPath, mainFile, 'dataplane', '--node', 'cn2', '--replace']);
    await until('the old one has left', () => before === undefined || !isAlive(before));
    await sleep(1500);
    expect([mine.exitCode, pidOf('dataplane cn2')]).toEqual([null, undefined]);
    expect(await lab.ping('vm1', '10.2.0.12')).toBe(3);
    await until('the lab is whole with it', async () => (await lab.dvr('lab', 'status', '--json')).code === 0);
    expect(jsonOf(await lab.dvr('lab', 'status', '--json'))).toMatchObject({
      converged: true, processes: expect.arrayContaining([{ role: 'dataplane cn2', running: true, pid: mine.pid }]) as unknown,
    });
    mine.kill('SIGKILL');
    await until('the lab has its own again', () => pidOf('dataplane cn2') !== undefined);
    await until('the lab is whole', async () => jsonOf(await lab.dvr('lab', 'status', '--json'))['converged'] === true);
  });

  it('is mended by `lab up` after its supervisor and a whole node were killed', async () => {
    process.kill(pidOf('supervisor') ?? 0, 'SIGKILL');
    for (const role of ['agent cn2', 'dataplane cn2']) process.kill(pidOf(role) ?? 0, 'SIGKILL');
    process.kill(readHolderPid('cn2') ?? 0, 'SIGKILL');
    const again = await lab.dvr('lab', 'up');
    expect([again.code, again.stderr]).toEqual([0, expect.stringContaining('was up already')]);
    expect(await lab.ping('vm1', '10.2.0.12')).toBe(3);
  });
});

describe('taking a lab down', () => {
  afterEach(async () => { await dvr('lab', 'down'); });

  it('leaves nothing, and is no error when nothing is up', async () => {
    expect((await dvr('lab', 'up')).code).toBe(0);
    expect((await dvr('lab', 'down')).stderr).toBe('');
    expectNothingLeft();
    expect(await dvr('lab', 'down')).toMatchObject({ code: 0, stdout: 'no lab is up\n' });
  });

  it('gives back the address where the API was, which had answered there on the machine', async () => {
    expect((await dvr('lab', 'up')).code).toBe(0);
    const answer = await fetch(`${api}/v2.0/networks?fields=name`);
    expect(await answer.json()).toEqual({ networks: expect.arrayContaining([{ name: 'red' }]) as unknown });
    await dvr('lab', 'down');
    await expect(fetch(api)).rejects.toThrow();
  });

  it('says which variable moves its API where somebody has the address, and makes nothing', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => { other.listen(9696, '127.0.0.1', resolve); });
    const { code, stderr } = await dvr('lab', 'up');
    other.close();
    expect(code).toBe(1);
    expect(stderr).toMatch(/127\.0\.0\.1:9696 is taken, where the controller's --api would listen[^]*DVR_API=/);
    expectNothingLeft();
  });

  it('leaves nothing after every process of the lab was killed', async () => {
    await dvr('lab', 'up');
    for (const { pid } of findLabProcesses(requireRecord().id, published())) killIfThere(pid);
    expect((await dvr('lab', 'down')).code).toBe(0);
    expectNothingLeft();
  });

  it.each<[string, () => boolean]>([
    ['it had made its first node', () => existsSync('/run/netns/dvr-cn1')],
    ['it had started its supervisor', () => readRecord() !== undefined && pidOf('supervisor') !== undefined],
  ])('leaves nothing after `lab up` was killed as soon as %s', async (_, come) => {
    const up = spawn(process.execPath, [mainFile, 'lab', 'up'], { stdio: 'ignore' });
    await until('it has come so far', come);
    up.kill('SIGKILL');
    // Otherwise this would be `down` of a whole lab, which another test takes down.
    expect(jsonOf(await dvr('lab', 'status', '--json'))['converged']).toBe(false);
    expect((await dvr('lab', 'down')).code).toBe(0);
    expectNothingLeft();
  });
});

/** One that has just ended with its parent is gone, as it was to be. */
function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

describe('a lab that cannot be', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'dvr-topology-'));
  beforeAll(async () => { await run('ip', ['netns', 'add', 'dvr-vm1'], kCommandMs); });
  afterAll(async () => {
    await run('ip', ['netns', 'delete', 'dvr-vm1'], kCommandMs);
    rmSync(scratch, { recursive: true });
  });

  it('names each fault of its topology, and makes nothing', async () => {
    const file = join(scratch, 'bad.yaml');
    writeFileSync(file, 'underlay: { cidr: 172.16.0.0/24, mtu: 1600 }\nnodes: { cn1: { vtep: 10.9.9.9 } }\nports: { vm1: { network: red } }\n');
    const { code, stderr } = await dvr('lab', 'up', file);
    expect(code).toBe(1);
    expect(stderr).toMatch(/bad\.yaml:2: nodes\.cn1\.vtep/);
    expect(stderr).toMatch(/bad\.yaml:3: ports\.vm1\.network/);
    expect(existsSync('/run/dvr/lab.json')).toBe(false);
  });

  it('does not touch a namespace that has the name of one of its own', async () => {
    const { stderr } = await dvr('lab', 'up');
    expect(stderr).toContain('the namespace dvr-vm1 exists already');
    expect(stderr).not.toContain('delete');
    expect(published()).toEqual(['dvr-vm1']);
    await dvr('lab', 'down');
    expect(published()).toEqual(['dvr-vm1']);
  });
});
