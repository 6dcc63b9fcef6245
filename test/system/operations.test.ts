/** What whoever runs a cloud looks at, in a lab that is up: metrics, `dvr diff`. */
import { describe, expect, it } from 'vitest';
import type { NodeDiff } from '../../src/cli/diff.js';
import { jsonOf, pidOf, statusNow, until } from '../support/facts.js';
import { type Ran, withLab } from '../support/lab.js';
import { readMetrics, type Scrape } from '../support/metrics.js';

const lab = withLab();

describe('metrics of a lab', () => {
  const scrape = async (place: string, at: string): Promise<Scrape> => {
    const get = `fetch('http://${at}/metrics').then(async (r) => process.stdout.write(await r.text()))`;
    const ran = await lab.exec(place, [process.execPath, '-e', get]);
    expect(ran).toMatchObject({ code: 0 });
    return readMetrics(ran.stdout);
  };
  const ofNode = (node: string): Promise<Scrape> => scrape(node, '127.0.0.1:9697');

  it('of the controller say that every node is connected and has applied what it was told', async () => {
    const { nodes, generation } = await statusNow();
    const said = readMetrics(await (await fetch('http://127.0.0.1:9696/metrics')).text());
    expect(said.value('dvr_intent_generation')).toBe(generation);
    for (const { name } of nodes) {
      expect(said.value('dvr_node_connected', { node: name })).toBe(1);
      expect(said.value('dvr_node_sync_lag_seconds', { node: name })).toBe(0);
      expect(said.value('dvr_node_applied_generation', { node: name }))
        .toBeGreaterThanOrEqual(said.value('dvr_node_view_generation', { node: name }));
    }
    expect(said.value('dvr_views_sent_bytes_total', { kind: 'view' })).toBeGreaterThan(0);
    expect(said.value('dvr_store_write_seconds_count')).toBeGreaterThan(0);
  });

  it('of a node count the packets of each stage and port', async () => {
    const before = await ofNode('cn1');
    expect(await lab.ping('vm1', '10.2.0.12')).toBe(3);
    const after = await ofNode('cn1');
    const grown = (name: string, labels: Record<string, string>): number => after.value(name, labels) - before.value(name, labels);
    expect(grown('dvr_stage_packets_total', { stage: 'vxlan_encap' })).toBeGreaterThanOrEqual(3);
    expect(grown('dvr_port_rx_packets_total', { port: 'vm1', kind: 'vm' })).toBeGreaterThanOrEqual(3);
    expect(grown('dvr_port_rx_bytes_total', { port: 'vm1', kind: 'vm' })).toBeGreaterThanOrEqual(3 * 98);
    expect(after.value('dvr_applied_generation')).toBe(after.value('dvr_view_generation'));
  });

  it('of a node count a dropped packet under its reason', async () => {
    const drops = async (): Promise<number> => (await ofNode('cn1')).value('dvr_drops_total', { reason: 'spoofed_ip' });
    const before = await drops();
    await lab.exec('vm1', ['ip', 'address', 'add', '10.1.0.99/32', 'dev', 'eth0']);
    expect(await lab.ping('vm1', '10.2.0.12', { count: 2, args: ['-I', '10.1.0.99'] })).toBe(0);
    await lab.exec('vm1', ['ip', 'address', 'del', '10.1.0.99/32', 'dev', 'eth0']);
    expect(await drops()).toBeGreaterThanOrEqual(before + 2);
  });
});

describe('dvr diff', () => {
  const diff = (...args: string[]): Promise<Ran> => lab.dvr('diff', ...args);
  const differencesNow = async (node: string): Promise<string[]> => {
    const [one] = jsonOf(await diff(node, '--json')) as unknown as readonly NodeDiff[];
    return (one?.differences ?? []).map(({ where, kind, what }) => `${where}: ${kind} ${what}`);
  };
  /** Does it again and again while `dvr diff` looks: whatever the agent mends is soon undone. */
  async function whileUndone(node: string, command: string, look: () => Promise<void>): Promise<void> {
    const vandal = await lab.start(node, ['sh', '-c', `echo ready; while :; do ${command} 2>/dev/null; sleep 0.1; done`]);
    try {
      await look();
    } finally {
      vandal.kill('SIGKILL');
    }
    await until('all is as it is to be', async () => (await diff()).code === 0);
  }

  it('finds nothing where all is as it is to be', async () => {
    const ran = await diff();
    expect(ran.stdout.trim().split('\n')).toEqual(['cn1', 'cn2', 'nn1', 'nn2'].map((node) =>
      expect.stringMatching(new RegExp(`^${node}: as it is to be \\(generation \\d+\\)$`)) as unknown));
    expect(ran.code).toBe(0);
  });

  it.each<[string, string, string, string]>([
    ['a neighbour', 'cn1', 'ip -n qrouter-r1 neigh del 10.2.0.12 dev qr-green', 'qrouter-r1: missing neighbour 10.2.0.12 '],
    ['a route', 'cn1', 'ip -n fip-ext route del 203.0.113.101/32', 'fip-ext: missing route 203.0.113.101/32 '],
    ['a rule', 'cn1', 'ip -n fip-ext rule del priority 40000', 'fip-ext: missing rule '],
    ['a table of nft', 'nn1', 'ip netns exec snat-r1 nft flush table ip dvr_snat', 'snat-r1: missing nft '],
    ['an address', 'nn1', 'ip -n snat-r1 address flush dev sg-red', 'snat-r1: missing address '],
  ])('names %s that is deleted again and again, and ends with 6', async (_, node, command, what) => {
    await whileUndone(node, command, async () => {
      await until(`diff says: ${what}`, async () => (await differencesNow(node)).some((one) => one.startsWith(what)));
      await until('its exit code is 6', async () => (await diff(node)).code === 6);
    });
  });

  it('says which node does not answer, and ends with 4', async () => {
    const agent = pidOf('agent cn2') ?? 0;
    process.kill(agent, 'SIGSTOP');
    try {
      const ran = await diff();
      expect(ran.stdout).toContain('cn1: as it is to be');
      expect(ran.stdout).toMatch(/^cn2: node cn2 did not answer "diff" within 5 s/m);
      expect(ran.code).toBe(4);
    } finally {
      process.kill(agent, 'SIGCONT');
    }
  });

  it('refuses a node that there is not, and names those there are', async () => {
    expect(await diff('cn9')).toMatchObject({ code: 1, stderr: expect.stringContaining('there are cn1, cn2') as unknown });
  });
});
