/**
 * What our own dataplane counted while something was measured: the proof that an optimisation was on, in
 * numbers that cannot be imagined. Read from each node's dataplane before and after, and compared.
 *
 * Numbers are kept under dotted names ("engine.trains", "ports.rxBytes") and only ever subtracted, so that a
 * counter that is added to the dataplane shows up here by itself.
 */
import { readdirSync, readFileSync } from 'node:fs';
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
      const { pid, devices } = await dataplane.hello();
      addAll(all, flatten(await dataplane.counters(), kindsOf(devices)));
      addAll(all, { 'threads.sleeps': sleepsOf(pid) });
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

/** Every number in the answer under its path; ports are summed by kind, since their numbers mean nothing. */
export function flatten(counters: object, kinds: ReadonlyMap<string, string>): EngineReading {
  const all: Record<string, number> = {};
  const walk = (value: unknown, path: string): void => {
    if (typeof value === 'number') addAll(all, { [path]: value });
    else if (typeof value === 'object' && value !== null) {
      for (const [key, inner] of Object.entries(value)) walk(inner, `${path}.${key}`);
    }
  };
  for (const [key, value] of Object.entries(counters) as [string, unknown][]) {
    if (key !== 'ports') walk(value, key);
    else for (const [port, inner] of Object.entries(value as object)) walk(inner, kinds.get(port) ?? 'closed');
  }
  return all;
}

export function changed(before: EngineReading, after: EngineReading): EngineReading {
  const names = Object.keys(after).filter((name) => after[name] !== (before[name] ?? 0));
  return Object.fromEntries(names.map((name) => [name, (after[name] ?? 0) - (before[name] ?? 0)]));
}

/** The figures that speak of optimisations, as far as the counters give them; rounded for people. */
export function telling(change: EngineReading): EngineReading {
  const packets = change['vm.rxPackets'];
  const engine = Object.entries(change).filter(([name]) => name.startsWith('engine.'));
  const shares = {
    // What VMs handed over at once, and what was handed to them: 1500 is a packet, more a super-frame.
    'bytes per frame from VMs': share(change['vm.rxBytes'], packets),
    'bytes per frame to VMs': share(change['vm.txBytes'], change['vm.txPackets']),
    'sleeps per frame': share(change['threads.sleeps'], packets),
    'part through the router namespace': share(change['qr.txPackets'] ?? 0, packets),
  };
  const told = Object.entries(shares).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
  return Object.fromEntries([...told, ...engine]);
}

function share(part: number | undefined, whole: number | undefined): number | undefined {
  if (part === undefined || whole === undefined || whole === 0) return undefined;
  return Number((part / whole).toPrecision(4));
}

function addAll(all: Record<string, number>, more: EngineReading): void {
  for (const [name, value] of Object.entries(more)) all[name] = (all[name] ?? 0) + value;
}

/** How often threads of the process gave up their CPU because they had nothing to do. */
function sleepsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => {
    const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
    return sum + Number(/^voluntary_ctxt_switches:\s*(\d+)$/m.exec(status)?.[1] ?? 0);
  }, 0);
}
