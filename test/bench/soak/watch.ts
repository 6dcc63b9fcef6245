/** Looks at every process of the lab now and then: how much it holds. */
import { readdirSync, readFileSync } from 'node:fs';
import { roleHolders } from '../../../src/lab/processes.js';
import { requireRecord } from '../../../src/lab/record.js';
import type { Sample } from './growth.js';

/** One sample of each role that runs; a process that ends while it is looked at is left out. */
export function sampleAll(atMs: number): Sample[] {
  return [...roleHolders(requireRecord().id)].flatMap(([role, pid]) => {
    try {
      return [{ atMs, role, pid, ...holdings(pid) }];
    } catch {
      return [];
    }
  });
}

function holdings(pid: number): Pick<Sample, 'rssMb' | 'descriptors' | 'threads'> {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(status)?.[1]);
  return {
    rssMb: field('VmRSS') / 1024,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    threads: field('Threads'),
  };
}
