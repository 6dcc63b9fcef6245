/**
 * `dvr walk` where a router's packets take its namespace: the kernel's part of the way, told from what went
 * in and what came out, and what is said where nothing comes out.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { controllerClient } from '../../src/cli/client.js';
import type { Walk } from '../../src/trace/walk-model.js';
import { mustBeZero } from '../support/cloud.js';
import { jsonOf, until } from '../support/facts.js';
import { type Ran, whileBroken, withLab } from '../support/lab.js';

const picture = readFileSync(fileURLToPath(new URL('../../scripts/lab/topology.yaml', import.meta.url)), 'utf8');
// Without a way out: with one, what a router has no route for any more leaves the cloud, and is not refused.
const lab = withLab(picture.replace('networks: [red, green], gateway: ext', 'networks: [red, green], routing: namespace')
  .replace(/^floating_ips:\n(?: .*\n)+/m, ''));

async function walk(...words: string[]): Promise<{ code: number; walk: Walk; steps: string[] }> {
  const ran = await lab.dvr('walk', ...words, '--json');
  const result = jsonOf(ran) as unknown as Walk;
  return { code: ran.code, walk: result, steps: (result.steps ?? []).map(({ step }) => step) };
}

const inRouter = async (node: string, ...argv: string[]): Promise<Ran> => mustBeZero(await lab.exec(`dvr-${node}-qrouter-r1`, argv));

describe('dvr walk through a router namespace', () => {
  it('is EW1 to EW7 as in the fast path, with EW2 and EW3 in the namespace, and says why there', async () => {
    const { code, walk: { outcome, steps } } = await walk('vm1', 'vm2');
    expect(steps.map(({ step, place, node }) => `${step} ${place} ${node}`)).toEqual([
      'EW1 br-int cn1', 'EW2 router namespace r1 cn1', 'EW3 router namespace r1 cn1',
      'EW4 br-int cn1', 'EW5 br-tun cn1', 'EW6 br-tun cn2', 'EW7 br-int cn2',
    ]);
    expect(steps[1]).toMatchObject({
      what: 'qr-red picks the frame up; r1 routes 10.2.0.12 to green', why: 'namespace: routing is namespace',
      changes: [{ field: 'TTL', before: '64', after: '63' }],
    });
    expect([code, outcome]).toEqual([0, { kind: 'delivered', to: 'vm2', node: 'cn2' }]);
  });

  it('leaves with 3 when it is seen at a step and not at the next', async () => {
    const { code, walk: { outcome } } = await whileBroken(
      () => inRouter('cn1', 'sysctl', '-qw', 'net.ipv4.ip_forward=0'),
      () => inRouter('cn1', 'sysctl', '-qw', 'net.ipv4.ip_forward=1'),
      () => walk('vm1', 'vm2'));
    expect([code, outcome]).toMatchObject([
      3, { kind: 'lost', step: 'EW2', missing: 'EW3', node: 'cn1' },
    ]);
  });

  it('leaves with 2 when the router refuses it', async () => {
    // By a rule of our own, which nobody takes away: what the agent has built it would mend at once.
    const refusing = ['priority', '5', 'to', '10.2.0.12', 'unreachable'];
    const { code, walk: { outcome }, steps } = await whileBroken(
      () => inRouter('cn1', 'ip', 'rule', 'add', ...refusing),
      () => inRouter('cn1', 'ip', 'rule', 'del', ...refusing),
      () => walk('vm1', 'vm2'));
    expect({ code, steps, outcome }).toMatchObject({
      code: 2,
      steps: ['EW1', 'EW2'],
      outcome: { kind: 'dropped', step: 'EW2', reason: 'router_refused' },
    });
  });

  it.each([['SIGINT', 130], ['SIGTERM', 143]] as const)(
    'leaves no node tracing when %s ends it: the next one need not wait',
    async (signal, code) => {
      const marker = 'ab'.repeat(16);
      const client = controllerClient();
      const isFree = (): Promise<boolean> =>
        client.nodeCall('cn1', 'setTrace', { marker }).then(
          () => client.nodeCall('cn1', 'setTrace', { marker: null, release: marker })
            .then(() => true),
          () => false);
      // By a table of our own: forwarding would be mended by an agent that still mends what the test above broke.
      const left = await whileBroken(
        () => inRouter('cn1', 'nft', 'add table ip broken; add chain ip broken every { type filter hook forward priority 0; policy drop; }'),
        () => inRouter('cn1', 'nft', 'delete table ip broken'),
        async () => {
          const walking = spawn(process.execPath, ['dist/cli/main.js', 'walk', 'vm1', 'vm2']);
          const exit = once(walking, 'exit');
          await until('it holds cn1', async () => !(await isFree()));
          walking.kill(signal);
          return await exit as [number];
        });
      expect([left[0], await isFree()]).toEqual([code, true]);
    });
});
