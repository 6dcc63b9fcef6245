import { describe, expect, it } from 'vitest';
import { engineCounts, engineText } from '../../../src/cli/counters.js';
import { dropCounts, dropsText } from '../../../src/cli/drops.js';
import { tablesText } from '../../../src/cli/tables.js';
import * as pipeline from '../../../src/dataplane/pipeline.js';
import { nodeTables } from '../../../src/trace/under-the-hood.js';
import { idsOf, macs, viewOf, vteps } from '../trace/crafted.js';

const facts = {
  view: viewOf('cn1'), ids: idsOf('cn1'),
  counters: {
    stages: { ucast_to_tun: 7 },
    edges: { 'ucast_to_tun>vxlan_encap': 6, 'ucast_to_tun>drop': 1 },
    drops: {},
    engine: {},
    ports: {},
  },
  tables: [
    {
      table: 'ucast_to_tun',
      rows: [{ local_vlan: 2, mac: macs.vm2, vtep: vteps.cn2, learned: false, stale: false }],
    },
    {
      table: 'neighbours',
      rows: [
        { local_vlan: 1, ip: '10.1.0.13', mac: macs.vm3, router: false },
        { local_vlan: 1, ip: '10.1.0.1', mac: macs.r1Red, router: true },
      ],
    },
    {
      table: 'allowed_sources',
      rows: [
        { port: 16, mac: macs.vm1, ip: '10.1.0.11', prefix_bits: 128 },
        { port: 16, mac: macs.vm1, ip: '', prefix_bits: 128 },
      ],
    },
  ],
};

describe('dvr tables', () => {
  const { stages } = nodeTables(facts, pipeline);
  const stage = (name: string): (typeof stages)[number] | undefined =>
    stages.find((one) => one.stage === name);

  it('lists the stages in packet order, of one bridge when asked', () => {
    expect(stages.map(({ stage: name }) => name)).toEqual(pipeline.stages.map(({ name }) => name));
    expect(nodeTables(facts, pipeline, 'br-tun').stages.map(({ stage: name }) => name)).toEqual(
      ['vxlan_decap', 'tun_to_lv', 'dvr_process', 'ucast_to_tun', 'flood_to_tun', 'vxlan_encap']);
  });

  it('counts packets in stages and on every way out of them', () => {
    expect(stage('ucast_to_tun')).toMatchObject({
      packets: 7,
      edges: [
        { to: 'flood_to_tun', packets: 0 },
        { to: 'vxlan_encap', packets: 6 },
        { to: 'drop', packets: 1 },
      ],
    });
  });

  it('puts names next to numbers, and shows a table at the stage it is of', () => {
    expect(stage('ucast_to_tun')?.tables[0]).toEqual({
      table: 'ucast_to_tun',
      fields: ['local_vlan', 'mac', 'vtep', 'learned', 'stale'],
      rows: [['2 (green)', `${macs.vm2} (vm2)`, '172.16.0.12 (cn2)', 'false', 'false']],
    });
    expect(stage('classify')?.tables).toContainEqual(
      expect.objectContaining({ table: 'ucast_to_tun', rows: [], shownAt: 'ucast_to_tun' }),
    );
    expect(stage('arp_responder')?.tables[0]?.rows.map(([, ip]) => ip)).toEqual(
      ['10.1.0.1 (r1)', '10.1.0.13 (vm3)'],
    );
  });

  it('shows prefix lengths as people write them, and "any" for no address', () => {
    const table = stage('anti_spoof')?.tables.find(({ table: name }) => name === 'allowed_sources');
    expect(table?.rows.map(([, , ip, bits]) => `${ip}/${bits}`)).toEqual([
      '10.1.0.11 (vm1)/32', 'any/128',
    ]);
  });

  it('shows every table once, whatever bridge is asked for', () => {
    for (const bridge of [undefined, 'br-int', 'br-tun', 'router'] as const) {
      const shown = nodeTables(facts, pipeline, bridge).stages.flatMap(({ tables }) =>
        tables.filter(({ shownAt }) => shownAt === undefined).map(({ table }) => table));
      const read = nodeTables(facts, pipeline, bridge).stages.flatMap(({ tables }) =>
        tables.map(({ table }) => table));
      expect(shown.toSorted()).toEqual([...new Set(read)].sort());
    }
  });

  it('cuts a long table and says how to see it all', () => {
    const text = tablesText(nodeTables(facts, pipeline), 1);
    expect(text).toContain('table neighbours: 2 rows');
    expect(text).toContain('… and 1 more: --rows 2, or --json');
  });
});

describe('dvr drops', () => {
  const counts = dropCounts(
    new Map([['cn1', { unknown_unicast: 3 }], ['cn2', { unknown_unicast: 1, made_up: 2 }]]),
    pipeline.dropReasons,
  );

  it('counts every reason on every node, unknown ones too', () => {
    expect(counts).toHaveLength(pipeline.dropReasons.length + 1);
    expect(counts.find(({ reason }) => reason === 'unknown_unicast')).toMatchObject(
      { total: 4, byNode: { cn1: 3, cn2: 1 } },
    );
    expect(counts.find(({ reason }) => reason === 'made_up')).toMatchObject({
      total: 2, byNode: { cn1: 0, cn2: 2 },
    });
  });

  it('says what each means and where to look', () => {
    expect(
      dropsText(
        counts.filter(({ total, reason }) => total > 0 && reason !== 'made_up'), ['cn1', 'cn2'],
      ),
    ).toBe(`\
reason           cn1  cn2  what it means
unknown_unicast  3    1    no node is known to have the destination MAC
  look at: dvr tables: ucast_to_tun`);
    expect(dropsText([], ['cn1', 'cn2'])).toBe('nothing was dropped on cn1, cn2');
  });
});

describe('dvr counters', () => {
  const counts = engineCounts(
    new Map([['cn1', { trains: 3, made_up: 1 }], ['cn2', { trains: 12 }]]), pipeline.engineCounters,
  );

  it('has every counter of every node, unknown ones too', () => {
    expect(counts).toHaveLength(pipeline.engineCounters.length + 1);
    expect(counts.find(({ counter }) => counter === 'trains')).toMatchObject({ byNode: { cn1: 3, cn2: 12 } });
    expect(counts.find(({ counter }) => counter === 'runs')).toMatchObject({ byNode: { cn1: 0, cn2: 0 } });
    expect(counts.at(-1)).toMatchObject({ counter: 'made_up', byNode: { cn1: 1, cn2: 0 } });
  });

  it('says what each counts', () => {
    expect(engineText(counts.filter(({ counter }) => counter === 'trains'), ['cn1', 'cn2'])).toBe(`\
counter  cn1  cn2  what it counts
trains   3    12   sends of several packets at once by UDP_SEGMENT`);
  });
});
