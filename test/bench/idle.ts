/** What a whole idle lab costs: the time its processes were on a CPU, as a part of one core. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { findLabProcesses } from '../../src/lab/processes.js';
import { requireRecord } from '../../src/lab/record.js';
import type { Idle } from './results.js';

/** What an idle lab may cost, in percent of a core. */
export const kIdlePercent = 1;
/** Connections of the tests before are gone, and spinning has ended. */
const kSettleMs = 2000;

export async function measureIdle(seconds: number, signal: AbortSignal): Promise<Idle> {
  await sleep(kSettleMs, undefined, { signal });
  const lab = findLabProcesses(requireRecord().id, []);
  const before = new Map(lab.map(({ pid }) => [pid, cpuNanoseconds(pid)]));
  const began = performance.now();
  await sleep(seconds * 1000, undefined, { signal });
  const elapsedNs = (performance.now() - began) * 1e6;
  const percents = lab.map(({ pid, role, title }) =>
    [role ?? title, Math.max(0, (cpuNanoseconds(pid) - (before.get(pid) ?? 0)) / elapsedNs * 100)] as const);
  return {
    seconds,
    corePercent: rounded(percents.reduce((sum, [, percent]) => sum + percent, 0)),
    processes: Object.fromEntries(percents.map(([name, percent]) => [name, rounded(percent)])),
  };
}

/** Of commands it has run to their end; the kernel counts these in clock ticks (proc(5), cutime and cstime). */
function endedChildren(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const [user, system] = stat.slice(stat.lastIndexOf(')') + 2).split(' ').slice(13, 15);
  return (Number(user) + Number(system)) * kTickNs;
}

const kTickNs = 1e7;
const rounded = (value: number): number => Number(value.toPrecision(3));

/** Of all threads that live; a clock tick (10 ms) would be too coarse for what is nearly nothing. */
export function cpuNanoseconds(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/task`).reduce((sum, thread) =>
      sum + Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]), endedChildren(pid));
  } catch {
    // Ended between being listed and being read.
    return 0;
  }
}
