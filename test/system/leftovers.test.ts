/**
 * An agent that is killed anywhere in its work leaves things behind, and what it was to do changes while it is dead. The
 * next one finds all of that and brings the node to what it is to be; what others have put there stays.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { defaultTopologyFile } from '../../src/lab/scripts.js';
import { linksAt, pidOf, until } from '../support/facts.js';
import { type Ran, withLab } from '../support/lab.js';

interface Topology {
  readonly networks: Record<string, unknown>;
  readonly routers: Record<string, unknown>;
  readonly ports: Record<string, unknown>;
}

const lab = withLab();
const scratch = mkdtempSync(join(tmpdir(), 'dvr-leftovers-'));
afterAll(() => { rmSync(scratch, { recursive: true }); });

const seed = parse(readFileSync(defaultTopologyFile, 'utf8')) as Topology;
/** With a second router, which has a copy on cn2 for the port that is bound there. */
const grown: Topology = {
  ...seed,
  networks: { ...seed.networks, blue: { mtu: 1500, subnets: ['10.3.0.0/24'] } },
  routers: { ...seed.routers, r2: { networks: ['blue'] } },
  ports: { ...seed.ports, blue1: { network: 'blue', node: 'cn2', ip: '10.3.0.11' } },
};

async function apply(topology: Topology): Promise<void> {
  const file = join(scratch, 'topology.yaml');
  writeFileSync(file, JSON.stringify(topology));
  expect(await lab.dvr('apply', file)).toMatchObject({ code: 0 });
}
const onNode = (...words: string[]): Promise<Ran> => lab.exec('cn2', words);
const mustDo = async (command: string): Promise<void> => { expect(await onNode(...command.split(' '))).toMatchObject({ code: 0, stderr: '' }); };
const namespaces = async (): Promise<string[]> =>
  (await onNode('ip', 'netns', 'list')).stdout.split('\n').map((line) => line.split(' ')[0] ?? '').filter((name) => name !== '').sort();
/** Nobody starts another agent meanwhile. */
async function whileDead(what: () => Promise<void>): Promise<void> {
  const supervisor = pidOf('supervisor') ?? 0;
  process.kill(supervisor, 'SIGSTOP');
  try {
    process.kill(pidOf('agent cn2') ?? 0, 'SIGKILL');
    await what();
  } finally {
    process.kill(supervisor, 'SIGCONT');
  }
}
const asItIsToBe = async (): Promise<boolean> => (await lab.dvr('diff', 'cn2')).code === 0;

describe('an agent that is killed', () => {
  it.each([0, 50, 100, 200, 400, 800])('%i ms after it was told of a router leaves nothing of it, where that is not wanted any more', async (afterMs) => {
    await until('cn2 is as it is to be', asItIsToBe);
    const [before, links] = [await namespaces(), await linksAt(lab, 'cn2')];
    await apply(grown);
    await sleep(afterMs);
    await whileDead(() => apply(seed));
    await until('cn2 is as it is to be', asItIsToBe);
    expect(await namespaces()).toEqual(before);
    expect(await linksAt(lab, 'cn2')).toEqual(links);
  });

  it('is followed by one that takes away what is ours and stale, and leaves what others have put there', async () => {
    const inside = 'ip -n qrouter-r1';
    await whileDead(async () => {
      for (const command of [
        `${inside} route add 198.19.0.0/24 via 10.1.0.13 dev qr-red proto 200`, `${inside} neigh replace 10.1.0.77 lladdr 02:00:00:00:00:77 dev qr-red nud permanent`,
        `${inside} address add 10.1.0.250/24 dev qr-red`, `${inside} neigh del 10.1.0.11 dev qr-red`,
        'ip netns add web', 'ip netns add qrouter-mine', 'ip tuntap add tap4000 mode tap', `${inside} link add mine0 type veth peer name mine1`,
        `${inside} route add 198.18.0.0/24 via 10.1.0.13 dev qr-red proto static`, 'ip netns exec qrouter-r1 nft add table inet mine',
      ]) await mustDo(command);
    });
    await until('cn2 is as it is to be', asItIsToBe);
    const routes = (await onNode('ip', '-n', 'qrouter-r1', 'route', 'show')).stdout;
    const neighbours = (await onNode('ip', '-n', 'qrouter-r1', 'neigh', 'show', 'nud', 'permanent')).stdout;
    expect(routes).not.toContain('198.19.0.0/24');
    expect(neighbours).not.toContain('10.1.0.77 ');
    expect(neighbours).toContain('10.1.0.11 ');
    expect((await onNode('ip', '-n', 'qrouter-r1', 'address', 'show')).stdout).not.toContain('10.1.0.250');
    expect(routes).toContain('198.18.0.0/24');
    expect(await namespaces()).toEqual(expect.arrayContaining(['web', 'qrouter-mine']));
    expect(await linksAt(lab, 'cn2')).toContain('tap4000');
    expect((await onNode('ip', '-n', 'qrouter-r1', 'link', 'show', 'dev', 'mine0')).code).toBe(0);
    expect((await onNode('ip', 'netns', 'exec', 'qrouter-r1', 'nft', 'list', 'tables')).stdout).toContain('table inet mine');
    expect((await lab.dvr('doctor')).stdout).toMatch(/cn2 +leftovers +namespace qrouter-mine is nobody's/);
    expect(await lab.ping('vm1', '10.2.0.12')).toBe(3);
  });
});
