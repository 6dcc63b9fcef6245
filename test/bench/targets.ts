/**
 * The figures to reach, as ratios of medians between us and a peer in the same run. They mark a report and
 * never fail a run: the machine decides as much as the code.
 */
import type { MetricName, ScenarioName, TestName } from './catalog.js';
import type { PeerName } from './peers/peer.js';

export interface Target {
  readonly scenario: ScenarioName;
  readonly test: TestName;
  readonly metric: MetricName;
  readonly peer: PeerName;
  /** Exactly one of them is there. */
  readonly least?: number;
  readonly most?: number;
}

type Bound = 'least' | 'most';
type Row = readonly [ScenarioName, readonly TestName[], MetricName, Bound, Partial<Record<PeerName, number>>];

const withoutOffloads: readonly TestName[] = ['tcp-1-no-offloads', 'tcp-4-no-offloads'];
const rows: readonly Row[] = [
  ['routed', ['udp-1'], 'flood_kpps', 'least', { kernel: 5, ovs: 6, 'ovs-afxdp': 3 }],
  ['routed', ['udp-64'], 'flood_kpps', 'least', { kernel: 2.5, ovs: 3, 'ovs-afxdp': 1.5 }],
  ['routed', ['ping-idle'], 'p50_us', 'most', { kernel: 0.4, ovs: 0.12, 'ovs-afxdp': 0.2 }],
  ['routed', ['ping-idle'], 'p99_us', 'most', { kernel: 0.35, ovs: 0.12, 'ovs-afxdp': 0.2 }],
  ['routed', ['tcp-1', 'tcp-4'], 'gbps', 'least', { kernel: 0.75, ovs: 16, 'ovs-afxdp': 10 }],
  ['routed', withoutOffloads, 'gbps', 'least', { kernel: 1.5, ovs: 4, 'ovs-afxdp': 2 }],
  ['same-node', ['tcp-1', 'tcp-4'], 'gbps', 'least', { kernel: 0.85, ovs: 15 }],
  ['snat', ['tcp-1'], 'gbps', 'least', { kernel: 1 }],
  ['snat', ['udp-1', 'udp-64'], 'flood_kpps', 'least', { kernel: 1.5 }],
];

export const targets: readonly Target[] = rows.flatMap(([scenario, names, metric, bound, peers]) =>
  names.flatMap((test) => Object.entries(peers).map(([peer, value]) =>
    ({ scenario, test, metric, peer: peer as PeerName, [bound]: value }))));

export const isReached = ({ least, most }: Target, ratio: number): boolean =>
  (least === undefined || ratio >= least) && (most === undefined || ratio <= most);
