import { describe, expect, it } from 'vitest';
import { metrics } from '../../bench/catalog.js';
import { engineCounters } from '../../../src/dataplane/pipeline.js';
import { changed, flatten, kindsOf, proofs, shareOf } from '../../bench/engine.js';
import { loadBetween } from '../../bench/machine.js';
import { enabledOf } from '../../bench/offloads.js';
import { readOptions, rowsOf } from '../../bench/options.js';
import { withSuperWire } from '../../bench/peers/dvr.js';
import { named } from '../../bench/picture.js';
import type { Summary } from '../../bench/results.js';
import { barChart, niceCeiling } from '../../bench/svg.js';
import { targets } from '../../bench/targets.js';
import { readIperf } from '../../bench/traffic.js';
import { withFigures } from '../../bench/write-docs.js';

describe('rows', () => {
  it('are every test on every way east-west and what NAT costs on every way outside, unless the run is quick', () => {
    expect(rowsOf({ quick: false })).toHaveLength(27 + 15);
    expect(rowsOf({ quick: true }).length).toBeLessThan(25);
  });

  it('of a quick run are all that has a target, so that its ratios can be judged', () => {
    const rows = rowsOf({ quick: true }).map(({ scenario, test }) => `${scenario}/${test}`);
    expect(targets.map(({ scenario, test }) => `${scenario}/${test}`).filter((row) => !rows.includes(row))).toEqual([]);
  });

  it('can be chosen by pattern, in a quick run too', () => {
    expect(rowsOf({ quick: true, only: /same-node\/udp-1$/ }, 1)).toEqual([{ scenario: 'same-node', test: 'udp-1' }]);
  });
});

describe('options', () => {
  it('change what they name and leave the rest of the budget', () => {
    const { budget, peers } = readOptions(['--reps', '2', '--secs', '7', '--peers', 'kernel,dvr']);
    expect(budget).toMatchObject({ repetitions: 2, durations: { tcpSeconds: 7, pingSeconds: 3 } });
    expect(peers).toEqual(['kernel', 'dvr']);
  });
});

describe('what iperf3 reports', () => {
  const report = (congestion: string): string => JSON.stringify({ end: {
    sum_received: { bits_per_second: 8e9, bytes: 1e9 }, sum_sent: { retransmits: 3 }, sender_tcp_congestion: congestion, receiver_tcp_congestion: 'cubic',
  } });

  it('becomes figures', () => {
    expect(readIperf(report('cubic'))).toEqual({ gbps: 8, bytes: 1e9, retransmits: 3 });
  });

  it('is refused where an end did not use cubic, for bbr paces and does not compare', () => {
    expect(() => readIperf(report('bbr'))).toThrow(/bbr instead of cubic/);
  });
});

describe('offloads', () => {
  it('are put back only where they were on and can be changed', () => {
    const text = 'tcp-segmentation-offload: on\n\ttx-tcp-segmentation: on\ngeneric-segmentation-offload: off\n'
      + 'generic-receive-offload: on\ntx-udp-segmentation: on [fixed]\n';
    expect(enabledOf(text)).toEqual(['tso', 'gro']);
  });
});

describe('counters of our dataplane', () => {
  const kinds = kindsOf([
    { spec: { kind: 'tap', name: 'vm/vm1', portId: 16, mtuBytes: 1500 } },
    { spec: { kind: 'tap', name: 'qr/r1/red', portId: 17, mtuBytes: 1500 } },
    { spec: { kind: 'vtep', name: 'vtep', portId: 1, vtepIp: '172.16.0.11' } },
  ]);
  const ports = { 1: { rxPackets: 5 }, 16: { rxPackets: 100, rxBytes: 6_000_000, txPackets: 1, txBytes: 60 }, 17: { txPackets: 50 } };

  it('are summed by what the port is, since numbers of ports mean nothing', () => {
    expect(flatten({ ports, stages: { classify: 3 } }, kinds)).toEqual({
      'vtep.rxPackets': 5, 'vm.rxPackets': 100, 'vm.rxBytes': 6_000_000, 'vm.txPackets': 1, 'vm.txBytes': 60, 'qr.txPackets': 50, 'stages.classify': 3,
    });
  });

  it('prove an optimisation by one count over another, of what changed meanwhile', () => {
    const before = flatten({ engine: { trains: 1, train_packets: 2 } }, kinds);
    const change = changed(before, flatten({
      engine: { trains: 11, train_packets: 502, flow_cache_hits: 90 }, stages: { classify: 80, provider_in: 20 }, ports,
    }, kinds));
    const told = Object.fromEntries(proofs.map((proof) => [proof.means, shareOf(proof, change)]));
    expect(told).toMatchObject({ 'packets per train': 50, 'bytes per frame from VMs': 60_000, 'part through namespaces': 0.5, 'part past the stages': 0.9 });
    expect(told['packets per run']).toBeUndefined();
  });

  it('are of counters that the dataplane has: a wrong name would read as an optimisation that is off', () => {
    const known = new Set<string>(engineCounters.map(({ name }) => `engine.${name}`));
    const asked = proofs.flatMap(({ part, whole }) => [part, whole]).filter((name) => name.startsWith('engine.'));
    expect(asked.filter((name) => !known.has(name))).toEqual([]);
  });

  it('leave out what is a maximum since the start, for it says nothing of one row', () => {
    expect(flatten({ engine: { trains: 3, longest_train: 64 } }, kinds)).toEqual({ 'engine.trains': 3 });
  });
});

describe('noise', () => {
  const times = { atMs: 0, busy: 0, user: 0, steal: 0, ownUser: 0 };

  it('is user time that nobody in here spent, and time that the hypervisor took', () => {
    expect(loadBetween(times, { atMs: 2000, busy: 3, user: 2, steal: 0.5, ownUser: 1 })).toEqual({ busySeconds: 3, otherCpus: 0.75 });
  });

  it('is never less than nothing: the two clocks tick differently', () => {
    expect(loadBetween(times, { atMs: 1000, busy: 1, user: 0.5, steal: 0, ownUser: 0.6 }).otherCpus).toBe(0);
  });
});

describe('plots', () => {
  const one = (peer: Summary['peer'], median: number): Summary =>
    ({ scenario: 'routed', test: 'tcp-1', metric: 'gbps', peer, noisy: false, median, min: median - 1, max: median + 1, count: 3 });
  const gbps = named(metrics, 'gbps');

  it('have a bar and a whisker for each peer that was measured', () => {
    const svg = barChart(gbps, [one('kernel', 20), one('dvr', 15)]);
    expect(svg.match(/<rect [^>]*fill="#(8a8a8a|1f6feb)"/g)).toHaveLength(4);
    expect(svg.match(/stroke="black"/g)).toHaveLength(2);
    expect(svg).not.toContain('ovs');
  });

  it('end at a round number above the highest value', () => {
    expect([0, 0.3, 7, 10, 21, 101].map(niceCeiling)).toEqual([1, 0.5, 10, 10, 25, 200]);
  });
});

describe('docs/performance.md', () => {
  const begin = '<!-- figures: written by `npm run bench -- --write-docs`, do not edit -->';
  const end = '<!-- end of figures -->';

  it('gets its figures between the markers and keeps the prose around them', () => {
    expect(withFigures(`before\n${begin}\nold\n${end}\nafter\n`, 'new')).toBe(`before\n${begin}\n\nnew\n\n${end}\nafter\n`);
  });

  it('is not written without its markers', () => {
    expect(() => withFigures('prose', 'new')).toThrow(/needs the lines/);
  });
});

describe('the topology of the bench', () => {
  it('differs from the lab\'s default in its wire alone', () => {
    expect(withSuperWire('# a\nwire: segments\nnodes: {}\n')).toBe('# a\nwire: super\nnodes: {}\n');
    expect(() => withSuperWire('nodes: {}\n')).toThrow(/wire/);
  });
});
