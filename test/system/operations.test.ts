/** What whoever runs a cloud looks at: metrics of a lab that is up. */
import { describe, expect, it } from 'vitest';
import { statusNow } from '../support/facts.js';
import { withLab } from '../support/lab.js';
import { readMetrics, type Scrape } from '../support/metrics.js';

describe('metrics of a lab', () => {
  const lab = withLab();
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
