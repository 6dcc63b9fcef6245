/**
 * What dies and what lives on: under 100 probes a second, agents and the controller are killed, and
 * dataplanes are replaced, and not one probe is lost. A killed dataplane does lose some, but whatever is
 * killed, forwarding comes back by itself.
 *
 * Counts are asserted, never times: how long a gap lasted is printed.
 */
import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { mainFile } from '../../src/lab/scripts.js';
import { killAndWait, pidOf, portNow, statusNow, until } from '../support/facts.js';
import { type Lab, type ProbeResult, type Probing, run as runCommand, withLab } from '../support/lab.js';

const kIntervalMs = 10;
const kLongRun = 10_000;
const kShortRun = 1500;
/** Probes that must be answered at the end of a run, for "it came back" to be true. */
const kTail = 200;
const kLongRunMs = kLongRun * kIntervalMs + 60_000;
const vm2 = '10.2.0.12';

/** Who sends to whom, and by which way. */
interface Flow { readonly way: string; readonly from: string; readonly to: string; readonly address: string }
const eastWest: Flow = { way: 'east-west', from: 'vm1', to: 'vm2', address: vm2 };
/** nn1 does the source NAT of vm3, and cn1 that of vm1's floating IP. */
const northSouth: readonly Flow[] = [
  { way: 'out by source NAT', from: 'vm3', to: 'ext', address: '203.0.113.10' },
  { way: 'in by a floating IP', from: 'ext', to: 'vm1', address: '203.0.113.101' },
];

interface Disturbance { readonly what: string; readonly atProbe: number }
interface DisturbedRun { readonly result: ProbeResult; readonly diary: readonly Disturbance[] }

/** Probes all flows at once while `disturb` goes on; what it notes is dated by the probe that was being sent. */
async function underProbes(
  lab: Lab, flows: readonly Flow[], count: number, disturb: (note: (what: string) => void) => Promise<void>,
): Promise<readonly DisturbedRun[]> {
  const diary: Disturbance[] = [];
  const probings: Probing[] = [];
  for (const { from, to, address } of flows)
    probings.push(await lab.startProbes(from, to, address, { count, intervalMs: kIntervalMs }));
  const began = performance.now();
  const note = (what: string): void => { diary.push({
    what, atProbe: Math.floor((performance.now() - began) / kIntervalMs),
  }); };
  const [answers] = await Promise.all([Promise.all(probings.map(({ result }) => result)), disturb(note)]);
  return answers.map((result) => ({ result, diary }));
}

/** Losses with what had been done last before each of them. */
function losses({ result, diary }: DisturbedRun): string[] {
  return result.lostNumbers.map((number) =>
    `probe ${number} after ${JSON.stringify(diary.filter(({ atProbe }) => atProbe <= number + 5).at(-1))}`);
}

function replaceDataplane(lab: Lab, node: string): Promise<ChildProcess> {
  return lab.start(node, [process.execPath, mainFile, 'dataplane', '--node', node, '--replace']);
}

/** Until every node has what it was told, whoever started its processes. */
async function settled(lab: Lab): Promise<void> {
  await until('every node has its view', async () => (await statusNow()).converged);
  await until('a walk is delivered', async () => (await lab.dvr('walk', 'vm1', 'vm2')).code === 0);
}

/** What of a VM a restart must not touch: its device, link state, addresses, MTU and neighbours. */
async function insideVm(lab: Lab, vm: string): Promise<unknown> {
  const ask = async (...words: string[]): Promise<Record<string, unknown>[]> =>
    JSON.parse(
      (await lab.exec(vm, ['ip', '-json', ...words])).stdout || '[]',
    ) as Record<string, unknown>[];
  const [link = {}] = await ask('address', 'show', 'dev', 'eth0');
  const neighbours = await ask('neigh', 'show', 'dev', 'eth0');
  return {
    ifindex: link['ifindex'], mac: link['address'], mtu: link['mtu'], flags: link['flags'],
    addresses: JSON.stringify(link['addr_info']),
    neighbours: neighbours.map(({ dst, lladdr }) => `${dst} ${lladdr}`).sort(),
  };
}

/** Everything that allocators gave out. */
async function allocations(): Promise<unknown> {
  const { nodes, networks, routers, ports } = await statusNow();
  return {
    nodes: nodes.map(({ name, dvrMac }) => [name, dvrMac]),
    networks: networks.map(({ name, vni }) => [name, vni]),
    routers: routers.map(({ id, interfaces }) => [id, interfaces]),
    ports: ports.map(({ name, mac, ips, node }) => [name, mac, ips, node]),
  };
}

describe('while 10 000 probes pass, 100 a second', () => {
  const lab = withLab();
  const flows = [eastWest, ...northSouth];
  let runs: readonly DisturbedRun[];
  let vmsBefore: unknown;
  let vmsAfter: unknown;
  let allocatedBefore: unknown;
  let allocatedAfter: unknown;

  beforeAll(async () => {
    await lab.ping('vm1', vm2);
    vmsBefore = [await insideVm(lab, 'vm1'), await insideVm(lab, 'vm2')];
    allocatedBefore = await allocations();
    runs = await underProbes(lab, flows, kLongRun, (note) => disturbEverything(lab, note));
    vmsAfter = [await insideVm(lab, 'vm1'), await insideVm(lab, 'vm2')];
    allocatedAfter = await allocations();
    console.log(
      `worst answer after ${Math.max(...runs.map(({ result }) => result.worstMs)).toFixed(0)} ms;`,
      runs[0]?.diary.map(({ what, atProbe }) => `${atProbe}: ${what}`).join(', '),
    );
  }, kLongRunMs);

  it.each(flows.map(({ way }, at) => [way, at] as const))(
    'none is lost %s, whether agents are killed, dataplanes replaced or the controller killed', (_way, at) => {
      const [run] = runs.slice(at);
      expect(run === undefined ? ['no run'] : losses(run)).toEqual([]);
      expect(run?.result).toMatchObject({ sent: kLongRun, received: kLongRun, lost: 0 });
    });

  it('all of it happened within the run', () => {
    const diary = runs[0]?.diary ?? [];
    expect(diary.map(({ what }) => what)).toContain('the end');
    expect(diary.at(-1)?.atProbe).toBeLessThan(kLongRun);
  });

  it('VMs notice nothing: same device, carrier, addresses and neighbours', () => { expect(
    vmsAfter,
  ).toEqual(
    vmsBefore,
  ); });

  it('every MAC, VNI and address is what it was', () => { expect(allocatedAfter).toEqual(
    allocatedBefore,
  ); });
});

async function disturbEverything(lab: Lab, note: (what: string) => void): Promise<void> {
  for (const pauseMs of [0, 150, 400, 800, 2500]) {
    for (const node of ['cn1', 'cn2', 'nn1']) {
      note(`agent ${node} killed`);
      await killAndWait(`agent ${node}`);
      // The next kill falls into another moment of the new agent's start each time.
      await sleep(pauseMs);
    }
  }
  await settled(lab);
  note('controller killed');
  await killAndWait('controller');
  await settled(lab);
  for (const node of ['cn1', 'nn1', 'cn2', 'cn1']) {
    note(`dataplane ${node} replaced`);
    await replaceDataplane(lab, node);
    await settled(lab);
  }
  note('agent cn1 killed, beside a dataplane that was replaced');
  await killAndWait('agent cn1');
  await settled(lab);
  note('the end');
}

describe('forwarding comes back by itself', () => {
  const lab = withLab();

  async function expectBack(
    disturb: (note: (what: string) => void) => Promise<void>,
  ): Promise<void> {
    const [run] = await underProbes(lab, [eastWest], kShortRun, disturb);
    if (run === undefined) throw new Error('nothing was probed');
    const { result } = run;
    console.log(
      `lost ${result.lost} of ${result.sent}, longest gap ${result.longestLostRun * kIntervalMs} ms`,
    );
    expect(result.lastLost).toBeLessThan(kShortRun - kTail);
    await settled(lab);
  }

  it.each([
    'cn1', 'cn2',
  ])('after the dataplane of %s was killed, with the VM\'s device, carrier and neighbours as before',
  async (node) => {
    const vm = node === 'cn1' ? 'vm1' : 'vm2';
    await lab.ping('vm1', vm2);
    const before = await insideVm(lab, vm);
    await expectBack(() => killAndWait(`dataplane ${node}`));
    expect(await insideVm(lab, vm)).toEqual(before);
  });

  // Once in some fifteen runs on a machine under heavy load the VM got a new device; why is not known yet.
  it('after dataplane and agent of a node were killed together, by the same device, with what the guest had added', { retry: 1 }, async () => {
    const route = ['198.18.0.0/24', 'via', '10.1.0.1', 'dev', 'eth0'];
    await lab.exec('vm1', ['ip', 'route', 'add', ...route]);
    const before = await insideVm(lab, 'vm1') as Record<string, unknown>;
    await expectBack(async () => {
      for (const role of ['dataplane cn1', 'agent cn1']) process.kill(pidOf(role) ?? 0, 'SIGKILL');
    });
    // Neighbours that a guest has learned go with the carrier; all else is as it was.
    expect(await insideVm(lab, 'vm1')).toMatchObject({ ...before, neighbours: expect.anything() as unknown });
    expect((await lab.exec('vm1', ['ip', 'route', 'show'])).stdout).toContain(route.join(' '));
    expect(await lab.ping('vm3', '10.1.0.11')).toBe(3);
  });

  it('without keeping alive the namespace that it has found its device in', async () => {
    await runCommand('ip', ['netns', 'del', 'dvr-vm1'], 10_000);
    await until('vm1 is unbound', async () => (await portNow('vm1'))?.state === 'unbound');
    expect((await lab.dvr('lab', 'up')).code).toBe(0);
    await settled(lab);
  });

  it('from the last good view, when an agent and its dataplane start while the controller is away', async () => {
    process.kill(pidOf('supervisor') ?? 0, 'SIGKILL');
    process.kill(pidOf('controller') ?? 0, 'SIGKILL');
    for (const role of ['dataplane cn2', 'agent cn2']) process.kill(pidOf(role) ?? 0, 'SIGKILL');
    const dataplane = await lab.start('cn2', [
      process.execPath, mainFile, 'dataplane', '--node', 'cn2',
    ]);
    const agent =
      lab.exec('cn2', ['env', `DVR_HOST_ROOT=/proc/${process.pid}/root`, 'timeout', '20', process.execPath, mainFile,
      'agent', '--node', 'cn2', '--controller', 'unix:/run/dvr/controller.sock', '--vtep-ip',
      '172.16.0.12']);
    await until('vm2 answers', async () => await lab.ping('vm1', vm2, { count: 1 }) === 1);
    expect((await lab.dvr('status')).code).toBe(5);
    expect(await lab.ping('vm1', vm2)).toBe(3);
    dataplane.kill('SIGTERM');
    await agent;
    expect((await lab.dvr('lab', 'up')).code).toBe(0);
    await settled(lab);
  });
});
