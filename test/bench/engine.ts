/**
 * What our own dataplane counted while something was measured: the proof that an optimisation was on, in
 * numbers that cannot be imagined. Read from each node's dataplane before and after, and compared.
 *
 * Numbers are kept under dotted names ("engine.trains", "vm.rxBytes") and only ever subtracted, so that a
 * counter that is added to the dataplane is in the JSON by itself.
 */
import type { DeviceSpec } from '../../src/dataplane/interface.js';
import { connectDataplane } from '../../src/dataplane/proxy.js';
import { dataplaneSocket } from '../../src/model/paths.js';

/** Sums over all nodes, by name. */
export type EngineReading = Readonly<Record<string, number>>;

export async function readEngine(nodes: readonly string[]): Promise<EngineReading> {
  const all: Record<string, number> = {};
  for (const node of nodes) {
    const dataplane = await connectDataplane(dataplaneSocket(node));
    try {
      const { devices } = await dataplane.hello();
      addAll(all, flatten(await dataplane.counters(), kindsOf(devices)));
    } finally {
      await dataplane.close();
    }
  }
  return all;
}

/** What a port's device is: "vm" or "qr" (src/agents/local-ids.ts), "vtep" or "mirror". */
export function kindsOf(devices: readonly { readonly spec: DeviceSpec }[]): ReadonlyMap<string, string> {
  return new Map(devices.map(({ spec }) =>
    [`${spec.portId}`, spec.kind === 'tap' ? spec.name.split('/')[0] ?? 'tap' : spec.kind]));
}

/**
 * Every number in the answer under its path; ports are summed by kind, since their numbers mean nothing.
 * Maxima since the start ("longest…") are left out: they cannot be subtracted.
 */
export function flatten(counters: object, kinds: ReadonlyMap<string, string>): EngineReading {
  const all: Record<string, number> = {};
  const walk = (value: unknown, path: string): void => {
    if (typeof value === 'number') {
      if (!/\blongest/.test(path)) addAll(all, { [path]: value });
    }
    if (typeof value === 'object' && value !== null) {
      for (const [key, inner] of Object.entries(value)) walk(inner, `${path}.${key}`);
    }
  };
  for (const [key, value] of Object.entries(counters) as [string, unknown][]) {
    if (key !== 'ports') { walk(value, key); continue; }
    for (const [port, inner] of Object.entries(value as object)) walk(inner, kinds.get(port) ?? 'closed');
  }
  return all;
}

export function changed(before: EngineReading, after: EngineReading): EngineReading {
  const names = Object.keys(after).filter((name) => after[name] !== (before[name] ?? 0));
  return Object.fromEntries(names.map((name) => [name, (after[name] ?? 0) - (before[name] ?? 0)]));
}

/** A figure that speaks of an optimisation: one count over another, or over several ("a+b"). */
export interface Proof { readonly means: string; readonly part: string; readonly whole: string }

export const proofs: readonly Proof[] = [
  // What VMs handed over at once: a packet has 1500 bytes at most, a super-frame more.
  { means: 'bytes per frame from VMs', part: 'vm.rxBytes', whole: 'vm.rxPackets' },
  { means: 'segments per super-frame', part: 'engine.segments_cut', whole: 'engine.super_frames_in' },
  { means: 'packets per train', part: 'engine.train_packets', whole: 'engine.trains' },
  { means: 'packets per send', part: 'vtep.txPackets', whole: 'engine.sends' },
  { means: 'packets per run', part: 'engine.run_packets', whole: 'engine.runs' },
  { means: 'bytes per run', part: 'engine.run_bytes', whole: 'engine.runs' },
  // Every packet enters at one of these, or comes to it from the tunnel.
  { means: 'part past the stages', part: 'engine.flow_cache_hits', whole: 'stages.classify+stages.provider_in' },
  { means: 'wake-ups per frame', part: 'engine.wake_ups', whole: 'vm.rxPackets' },
  { means: 'part through namespaces', part: 'qr.txPackets', whole: 'vm.rxPackets' },
];

/** Undefined where there was nothing of which it could be a part. */
export function shareOf({ part, whole }: Proof, change: EngineReading): number | undefined {
  const total = whole.split('+').reduce((sum, name) => sum + (change[name] ?? 0), 0);
  if (total === 0) return undefined;
  return Number(((change[part] ?? 0) / total).toPrecision(3));
}

function addAll(all: Record<string, number>, more: EngineReading): void {
  for (const [name, value] of Object.entries(more)) all[name] = (all[name] ?? 0) + value;
}
