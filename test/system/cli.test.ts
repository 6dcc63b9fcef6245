/**
 * The command line as people and scripts meet it, on a live lab: exit codes, JSON that is JSON, steps in
 * the seed's order, and an example in every help.
 */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { DropCount } from '../../src/cli/drops.js';
import type { Walk } from '../../src/trace/walk-model.js';
import { jsonOf, pidOf, statusNow, until } from '../support/facts.js';
import { type Ran, run, whileBroken, withLab } from '../support/lab.js';

const kCommandMs = 10_000;
const kCaptured = 4;
const lab = withLab();

async function walk(...words: string[]): Promise<{ code: number; walk: Walk; steps: string[] }> {
  const ran = await lab.dvr('walk', ...words, '--json');
  const result = jsonOf(ran) as unknown as Walk;
  return { code: ran.code, walk: result, steps: (result.steps ?? []).map(({ step }) => step) };
}

const inRouter = (node: string, ...argv: string[]): Promise<Ran> =>
  lab.exec(`dvr-${node}-qrouter-r1`, argv);

describe('dvr walk', () => {
  it('leaves with 0 after EW1 to EW7, in order, each with node and place', async () => {
    const { code, walk: { outcome, steps } } = await walk('vm1', 'vm2');
    expect(steps.map(({ step, place, node }) => `${step} ${place} ${node}`)).toEqual([
      'EW1 br-int cn1', 'EW2 router r1 cn1', 'EW3 router r1 cn1',
      'EW4 br-int cn1', 'EW5 br-tun cn1',
      'EW6 br-tun cn2', 'EW7 br-int cn2',
    ]);
    expect([code, outcome]).toEqual([0, { kind: 'delivered', to: 'vm2', node: 'cn2' }]);
  });

  it('shows what each step changed: TTL and gateway MAC in the router, DVR MAC and VNI on br-tun', async () => {
    const { walk: { steps } } = await walk('vm1', 'vm2');
    const changed = (step: string): string[] =>
      steps.find((one) => one.step === step)?.changes.map(({ field }) => field) ?? [];
    expect(changed('EW2')).toEqual(['TTL']);
    expect(changed('EW3')).toEqual(['source MAC', 'destination MAC', 'local VLAN']);
    expect(steps.find(({ step }) => step === 'EW2')).toMatchObject({
      what: 'r1 routes 10.2.0.12 from red to green in the fast path', why: expect.stringMatching(/^fast: /) as string,
    });
    expect(changed('EW5')).toEqual(['source MAC', 'local VLAN', 'VNI']);
    expect(changed('EW7')).toEqual(['source MAC']);
    expect(steps.find(({ step }) => step === 'EW5')?.underlay).toMatchObject({
      fromNode: 'cn1', toNode: 'cn2', vni: 102,
    });
  });

  it.each([
    ['one network, two nodes', 'vm1', 'vm3', ['L2-1', 'L2-2', 'L2-3', 'L2-4']],
    ['two networks, one node', 'vm1', 'vm4', ['EW1', 'EW2', 'EW3', "EW7'"]],
    ['the other way round', 'vm2', 'vm1', ['EW1', 'EW2', 'EW3', 'EW4', 'EW5', 'EW6', 'EW7']],
  ])('prints the steps of %s', async (_, from, to, expected) => {
    expect(await walk(from, to)).toMatchObject({ code: 0, steps: expected });
  });

  it('walks the answer back with --both, and takes addresses for names', async () => {
    const { code, walk: result } = await walk('10.1.0.11', '10.2.0.12', '--both');
    expect([code, result.reply?.outcome]).toEqual([
      0, { kind: 'delivered', to: 'vm1', node: 'cn1' },
    ]);
  });

  it('sends probes by raw-socket from the VM, or from a namespace of choice', async () => {
    // From a router's namespace only VMs of its own node answer: for others the gateway is the
    // router's copy on their own node, which keeps the answer.
    for (const words of [['vm2', '--probe'], ['vm4', '--probe-in', 'qrouter-r1']]) {
      const {
        probe,
      } = (await walk('vm1', ...words)).walk as Walk & {
        probe: { sent: number; received: number };
      };
      expect([probe.sent > 0, probe.received]).toEqual([true, probe.sent]);
    }
  });

  it('sends probes from a VM that is plugged in by its process', async () => {
    const inside = await lab.start('vm4', ['sh', '-c', 'echo ready; exec sleep 60']);
    const probe = await whileBroken(
      async () => {
        await lab.dvr('port', 'detach', 'vm4');
        await lab.dvr('port', 'attach', 'vm4', '--pid', String(inside.pid));
      },
      async () => {
        await lab.dvr('port', 'detach', 'vm4');
        await lab.dvr('port', 'attach', 'vm4', '--netns', '/run/netns/dvr-vm4');
      },
      async () => (await walk('vm4', 'vm2', '--probe')).walk);
    inside.kill();
    expect(probe).toMatchObject({ outcome: { kind: 'delivered' }, probe: { sent: 3, received: 3 } });
  });

  it('has examples in its help that leave with 0', async () => {
    const { stdout } = await lab.dvr('walk', '--help');
    const examples = [...stdout.matchAll(/^ {2}dvr (walk .*)$/gm)].map(([, words = '']) => words);
    expect(examples.length).toBeGreaterThan(2);
    for (const words of examples) {
      const { code, stdout: text } = await lab.dvr(...words.split(' '));
      expect([words, code, text.includes(': 0 of')]).toEqual([words, 0, false]);
    }
  });

  it('leaves with 2 when a stage drops it: step, typed reason and what to look at', async () => {
    const { code, walk: { outcome } } = await walk('vm1', 'vm1');
    expect([code, outcome]).toEqual([2, {
      kind: 'dropped',
      step: 'L2-1',
      node: 'cn1',
      reason: 'back_to_sender',
      sentence: expect.any(String) as string,
      hint: expect.any(String) as string,
    }]);
  });

  it('is not delivered to a port that is plugged in nowhere, and is again once it is plugged in', async () => {
    const detached = await whileBroken(
      () => lab.dvr('port', 'detach', 'vm2'),
      () => lab.dvr('port', 'attach', 'vm2', '--netns', '/run/netns/dvr-vm2'),
      () => walk('vm1', 'vm2'));
    expect(detached.steps).toEqual(['EW1', 'EW2']);
    expect([detached.code, detached.walk.outcome]).toMatchObject([2, { reason: 'unknown_address' }]);
    expect((await walk('vm1', 'vm2')).code).toBe(0);
  });

  it('leaves with 2 for an address that nobody has, each time the same', async () => {
    for (const again of [false, true]) {
      const { code, walk: { outcome } } = await walk('vm1', '10.2.0.99');
      expect({ again, code, outcome }).toMatchObject({
        again, code: 2, outcome: { kind: 'dropped', step: 'EW2', reason: 'unknown_address' },
      });
      // The router gives up after three seconds, and answers at once for a while.
      await sleep(1500);
    }
  });

  it("is delivered to the router's own address when the router answers, and lost when it does not", async () => {
    const { code, walk: { outcome }, steps } = await walk('vm1', '10.1.0.1');
    expect({ code, steps, outcome }).toMatchObject({
      code: 0, steps: ['EW1', 'EW2'], outcome: { kind: 'delivered', node: 'cn1' },
    });
    const mute = await whileBroken(
      () => inRouter('cn1', 'sysctl', '-qw', 'net.ipv4.icmp_echo_ignore_all=1'),
      () => inRouter('cn1', 'sysctl', '-qw', 'net.ipv4.icmp_echo_ignore_all=0'),
      () => walk('vm1', '10.1.0.1'));
    expect([mute.code, mute.walk.outcome]).toMatchObject([3, { kind: 'lost', step: 'EW2' }]);
  });

  it('leaves with 3 when the wire is cut, naming both nodes', async () => {
    const { code, walk: { outcome } } = await whileBroken(
      () => lab.exec('fabric', ['ip', 'link', 'set', 'cn2', 'down']),
      () => lab.exec('fabric', ['ip', 'link', 'set', 'cn2', 'up']),
      () => walk('vm1', 'vm2'));
    expect([code, outcome]).toMatchObject([
      3,
      {
        kind: 'lost',
        step: 'EW5',
        missing: 'EW6',
        node: 'cn1',
        sentence: expect.stringContaining('cn2') as string,
      },
    ]);
  });

  it("leaves with 4 when a node does not answer, after the source's steps", async () => {
    const agent = pidOf('agent cn2') ?? 0;
    const { code, walk: { outcome }, steps } = await whileBroken(
      async () => { process.kill(agent, 'SIGSTOP'); },
      async () => { process.kill(agent, 'SIGCONT'); },
      () => walk('vm1', 'vm2'));
    expect([code, outcome]).toEqual([4, { kind: 'unanswered', node: 'cn2' }]);
    expect(steps).toEqual(['EW1', 'EW2', 'EW3', 'EW4', 'EW5']);
    expect((await walk('vm1', 'vm2')).code).toBe(0);
  });

  it('does not lose packets to other walks at the same time', async () => {
    const ran = await Promise.all([1, 2, 3, 4].map(() => lab.dvr('walk', 'vm1', 'vm2')));
    expect(ran.map(({ code, stdout, stderr }) => (code === 0 ? 0 : `${stdout}${stderr}`)))
      .toEqual([0, 0, 0, 0]);
  });

  it.each([
    [['vm1']], [['vm1', 'nosuch']], [['vm1', 'vm2', '--nonsense']],
  ])('leaves with 1 for %j', async (words) => {
    expect((await lab.dvr('walk', ...words)).code).toBe(1);
  });
});

describe('what can be looked at', () => {
  it('is JSON on every command that takes --json', async () => {
    for (const words of [[
      'status',
    ], ['tables'],
    ['tables', '--node', 'cn1', '--bridge', 'br-tun'],
    ['drops', '--all'],
    ['port', 'list'],
    ['port', 'show', 'vm1'],
      ['lab', 'status'], ['walk', 'vm1', 'vm2', '--stages']])
      expect([words, jsonOf(await lab.dvr(...words, '--json'))]).toEqual([
        words, expect.anything(),
      ]);
  });

  it('has errors in JSON too, as problem documents', async () => {
    expect(jsonOf(await lab.dvr('port', 'show', 'nosuch', '--json'))).toMatchObject(
      { code: 'DVR_NOT_FOUND', status: 404, type: 'urn:dvr:error:DVR_NOT_FOUND' },
    );
  });

  it('names stages in packet order with their rows, for one bridge as well', async () => {
    const { stdout } = await lab.dvr('tables', '--node', 'cn1');
    const at = ['vxlan_decap', 'classify', 'anti_spoof', 'route', 'dvr_process', 'vxlan_encap'].map(
      (stage) => stdout.search(new RegExp(`^(br-\\w+|router) +${stage}\\b`, 'm')),
    );
    expect(at).toEqual([...at].sort((left, right) => left - right));
    expect(at).not.toContain(-1);
    expect((await lab.dvr('tables', '--node', 'cn1', '--bridge', 'br-tun')).stdout).not.toMatch(
      /^br-int/m,
    );
  });

  it('counts a packet that was dropped, by its reason and node', async () => {
    const dropsNow = async (): Promise<number> => {
      const drops = jsonOf(
        await lab.dvr('drops', '--all', '--json'),
      ) as unknown as readonly DropCount[];
      return drops.filter(({ reason }) => ['spoofed_arp', 'spoofed_ip'].includes(reason)).reduce(
        (sum, { byNode }) => sum + (byNode['cn1'] ?? 0), 0,
      );
    };
    const before = await dropsNow();
    await lab.exec('vm1', ['ip', 'address', 'add', '10.1.0.66/24', 'dev', 'eth0']);
    await lab.exec('vm1', ['ping', '-c', '1', '-W', '1', '-I', '10.1.0.66', '10.1.0.13']);
    await lab.exec('vm1', ['ip', 'address', 'delete', '10.1.0.66/24', 'dev', 'eth0']);
    expect(await dropsNow()).toBeGreaterThan(before);
  });

  it('explains a capture of the underlay: all as intended, at EW5 or EW6', async () => {
    const file = '/tmp/dvr-explain-test.pcap';
    const capture = lab.exec('fabric', [
      'timeout',
      '10',
      'tcpdump',
      '-U',
      '-n',
      '-Z',
      'root',
      '-c',
      String(kCaptured),
      '-w',
      file,
      '-i',
      'underlay',
      'udp',
      'port',
      '4789',
    ]);
    await sleep(1000);
    await lab.ping('vm1', '10.2.0.12');
    await capture;
    const { code, stdout } = await lab.dvr('explain', file, '--json');
    const packets = JSON.parse(stdout) as { hop: string; steps: string[]; faults: unknown[] }[];
    expect([code, packets.length]).toEqual([0, kCaptured]);
    expect(packets[0]).toMatchObject({
      hop: expect.stringMatching(/underlay .*cn1.* -> .*cn2/) as string,
      steps: expect.arrayContaining(['EW5']) as unknown,
      faults: [],
    });
    writeFileSync(file, 'no capture');
    expect((await lab.dvr('explain', file)).code).toBe(1);
    await run('rm', ['-f', file], kCommandMs);
  });

  it('tells every node, port and MAC in the status', async () => {
    const { converged, nodes, ports } = await statusNow();
    expect([
      converged, nodes.map(({ name }) => name), ports.map(({ name, state }) => `${name} ${state}`),
    ])
      .toEqual([true, ['cn1', 'cn2', 'nn1', 'nn2'], ['vm1 up', 'vm2 up', 'vm3 up', 'vm4 up']]);
  });
});

describe('help', () => {
  it.each(['', 'lab', 'lab up', 'lab down', 'lab status', 'lab exec', 'walk', 'tables', 'drops', 'explain',
    'port', 'port attach', 'port detach',
    'port list', 'port show', 'port set', 'port delete', 'status', 'controller', 'agent',
    'dataplane', 'init'])('of "dvr %s" shows an example',
    async (command) => {
    const {
      code, stdout,
    } = await lab.dvr(...command.split(' ').filter((word) => word !== ''), '--help');
    expect(code).toBe(0);
    expect(stdout).toMatch(/Examples?:\n +(dvr|tcpdump) /);
  });
});

describe('without a controller', () => {
  it('leaves with 5 and says how to start one', async () => {
    const ran = await run(
      'env',
      ['DVR_RUN_DIR=/run/nothing', process.execPath, 'dist/cli/main.js', 'walk', 'vm1', 'vm2'],
      kCommandMs,
    );
    expect([ran.code, ran.stderr]).toEqual([5, expect.stringContaining('dvr lab up')]);
  });
});
