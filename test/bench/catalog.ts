/** What is measured and where: tests, scenarios, and what each figure means. Data, and nothing else. */

/** A way between two VMs of the default topology, or between one and the outside host. */
export interface Scenario {
  readonly name: ScenarioName;
  readonly from: string;
  readonly to: string;
  readonly means: string;
  /** It leads out of the cloud or in: only peers with a way out have it, and these tests. */
  readonly outside?: readonly TestName[];
}
export type ScenarioName = 'routed' | 'same-subnet' | 'same-node' | 'snat' | 'fip-out' | 'fip-in';

/** The host outside, by its name in the lab. */
export const outsideHost = 'ext';
/** NAT costs by the packet: what a thousand flows or offloads that are off do is seen east-west. */
const outside: readonly TestName[] = ['tcp-1', 'tcp-4', 'udp-1', 'udp-64', 'ping-idle'];

export const scenarios: readonly Scenario[] = [
  { name: 'routed', from: 'vm1', to: 'vm2', means: 'vm1 to vm2: red to green, across nodes' },
  { name: 'same-subnet', from: 'vm1', to: 'vm3', means: 'vm1 to vm3: both red, across nodes' },
  { name: 'same-node', from: 'vm1', to: 'vm4', means: 'vm1 to vm4: red to green, on one node' },
  {
    name: 'snat', from: 'vm3', to: outsideHost, outside,
    means: 'vm3, which has no floating IP, to the outside host, by source NAT on the network node',
  },
  {
    name: 'fip-out', from: 'vm1', to: outsideHost, outside,
    means: 'vm1, which has a floating IP, to the outside host, by NAT on its own node',
  },
  { name: 'fip-in', from: outsideHost, to: 'vm1', outside, means: 'the outside host to the floating IP of vm1' },
];

export type TestName =
  | 'tcp-1' | 'tcp-4' | 'tcp-1-no-offloads' | 'tcp-4-no-offloads'
  | 'udp-1' | 'udp-64' | 'udp-1000' | 'ping-idle' | 'ping-loaded';

export type TestSpec = { readonly name: TestName; readonly means: string } & (
  | { readonly kind: 'tcp'; readonly streams: number; readonly offloads: boolean }
  | { readonly kind: 'udp'; readonly flows: number }
  | { readonly kind: 'ping'; readonly loaded: boolean }
);

export const tests: readonly TestSpec[] = [
  { name: 'tcp-1', kind: 'tcp', streams: 1, offloads: true, means: 'bulk TCP, 1 stream' },
  { name: 'tcp-4', kind: 'tcp', streams: 4, offloads: true, means: 'bulk TCP, 4 streams' },
  {
    name: 'tcp-1-no-offloads', kind: 'tcp', streams: 1, offloads: false,
    means: 'bulk TCP, 1 stream, VM offloads off',
  },
  {
    name: 'tcp-4-no-offloads', kind: 'tcp', streams: 4, offloads: false,
    means: 'bulk TCP, 4 streams, VM offloads off',
  },
  { name: 'udp-1', kind: 'udp', flows: 1, means: '64-byte UDP, one flow' },
  { name: 'udp-64', kind: 'udp', flows: 64, means: '64-byte UDP, 64 interleaved flows' },
  { name: 'udp-1000', kind: 'udp', flows: 1000, means: '64-byte UDP, 1000 interleaved flows' },
  { name: 'ping-idle', kind: 'ping', loaded: false, means: 'ping-pong across CPUs, idle' },
  { name: 'ping-loaded', kind: 'ping', loaded: true, means: 'ping-pong across CPUs, under bulk TCP' },
];

/** A figure that a test gives. */
export interface MetricSpec {
  readonly name: MetricName;
  readonly means: string;
  readonly digits: number;
  readonly better: 'more' | 'less';
}
export type MetricName =
  | 'gbps' | 'cpu_s_per_gb' | 'flood_kpps' | 'loss_free_kpps' | 'nearly_loss_free_kpps'
  | 'p50_us' | 'p99_us' | 'p999_us';

export const metrics: readonly MetricSpec[] = [
  { name: 'gbps', means: 'Gbit/s', digits: 2, better: 'more' },
  { name: 'cpu_s_per_gb', means: 'CPU seconds per GB, whole machine', digits: 2, better: 'less' },
  { name: 'flood_kpps', means: 'kpps received under flood', digits: 1, better: 'more' },
  { name: 'loss_free_kpps', means: 'kpps without loss', digits: 1, better: 'more' },
  { name: 'nearly_loss_free_kpps', means: 'kpps, loss ≤ 0.1 %', digits: 1, better: 'more' },
  { name: 'p50_us', means: 'p50, µs', digits: 1, better: 'less' },
  { name: 'p99_us', means: 'p99, µs', digits: 1, better: 'less' },
  { name: 'p999_us', means: 'p99.9, µs', digits: 1, better: 'less' },
];
