/** Thousands of short TCP connections through NAT, and how it is seen that nothing of them is left. */
import { fileURLToPath } from 'node:url';
import { mustBeZero, routing, within } from './cloud.js';
import type { Lab } from './lab.js';

/**
 * How many go through source NAT, and through a floating IP. NAT is the kernel's whichever way is routed east-west:
 * so one way has to carry them all, and the others a part.
 */
export const fewConnections = 600;
export const manyConnections = routing === 'auto' ? 10_000 : fewConnections;
/** Ten thousand take some ten seconds, on a machine that is busy otherwise several times that. */
export const manyMs = 180_000;

export interface FetchedMany { readonly asked: number; readonly answered: number; readonly visitors: Readonly<Record<string, number>> }

/** As many connections, one page each; `visitors` are the addresses the server has seen, with their counts. */
export async function fetchMany(lab: Lab, from: string, address: string, count: number): Promise<FetchedMany> {
  const program = fileURLToPath(new URL('fetch-many.mjs', import.meta.url));
  const ran = mustBeZero(await lab.exec(from, [process.execPath, program, address, `${count}`], { timeoutMs: manyMs / 2 }));
  return JSON.parse(ran.stdout) as FetchedMany;
}

/**
 * Empties connection tracking at a place, and has it forget within a second what is over: the kernel gives the last
 * state of TCP two minutes. What is not over stays as long as ever, so that what is left later has leaked.
 */
export async function forgetWhatIsOver(lab: Lab, place: string): Promise<void> {
  const settings = ['time_wait', 'close'].map((state) => `net.netfilter.nf_conntrack_tcp_timeout_${state}=1`);
  mustBeZero(await lab.exec(place, ['sysctl', '--quiet', '--write', ...settings]));
  mustBeZero(await lab.exec(place, ['conntrack', '-F']));
}

/** Waits until connection tracking at a place that forgets what is over holds nothing: no entry, so no port either. */
export const untilNothingTracked = (lab: Lab, place: string): Promise<void> =>
  within(`${place} tracks nothing`, async () => {
    // The kernel takes its time to remove what is due; a look at it does so at once.
    mustBeZero(await lab.exec(place, ['conntrack', '-L']));
    return mustBeZero(await lab.exec(place, ['conntrack', '-C'])).stdout.trim() === '0';
  });
