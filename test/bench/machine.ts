/**
 * What is known of the machine: what it is, how busy it is with us and with others, how fast it is now.
 *
 * Other people's processes cannot be seen from inside a pid namespace. What they cost can: it is the user
 * time that the machine spent and no process in here did.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Commands, root, toolsDir } from './commands.js';

/** USER_HZ, on every Linux that Node runs on. */
const kTicksPerSecond = 100;
/** CPUs' worth of other work from which on a repetition is called noisy. */
export const kNoisyCpus = 0.15;
const kLookMs = 300;

export interface CpuTimes {
  readonly atMs: number;
  /** Seconds of all CPUs together. */
  readonly busy: number;
  readonly user: number;
  readonly steal: number;
  /** User seconds of every process in this pid namespace, ended ones included. */
  readonly ownUser: number;
}

export interface Load {
  /** CPU seconds that were spent on anything. */
  readonly busySeconds: number;
  /** CPUs that others kept busy meanwhile, as far as it can be told. */
  readonly otherCpus: number;
}

export interface Quiet { readonly busyCpus: number; readonly waitedMs: number }

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly kernel: string;
  readonly node: string;
  readonly compiler: string;
  readonly commit: string;
}

export function cpuTimes(): CpuTimes {
  const [all = ''] = readFileSync('/proc/stat', 'utf8').split('\n');
  const fields = all.split(/\s+/).slice(1).map((text) => Number(text) / kTicksPerSecond);
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = fields;
  return {
    atMs: performance.now(),
    busy: user + nice + system + irq + softirq,
    user: user + nice,
    steal,
    ownUser: ownUserSeconds(),
  };
}

export function loadBetween(before: CpuTimes, after: CpuTimes): Load {
  const seconds = (after.atMs - before.atMs) / 1000;
  const others = after.user - before.user - (after.ownUser - before.ownUser) + after.steal - before.steal;
  return {
    busySeconds: after.busy - before.busy,
    otherCpus: Math.max(0, Number((others / seconds).toFixed(3))),
  };
}

/** proc(5): utime is field 14, that of children waited for 16; the text after the name begins with 3. */
function ownUserSeconds(): number {
  return readdirSync('/proc').filter((entry) => /^\d+$/.test(entry)).reduce((sum, pid) => {
    try {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ');
      return sum + (Number(fields[11]) + Number(fields[13])) / kTicksPerSecond;
    } catch {
      // Ended meanwhile: its parent has its time.
      return sum;
    }
  }, 0);
}

/** Waits until hardly anything runs, `longestMs` at most, and says what ran at last. */
export async function waitForQuiet(longestMs: number, signal: AbortSignal): Promise<Quiet> {
  const began = performance.now();
  for (;;) {
    const before = cpuTimes();
    await sleep(kLookMs, undefined, { signal });
    const after = cpuTimes();
    const spent = after.busy - before.busy + after.steal - before.steal;
    const busyCpus = Number((spent / (after.atMs - before.atMs) * 1000).toFixed(3));
    const waitedMs = Math.round(performance.now() - began);
    if (busyCpus < kNoisyCpus || waitedMs >= longestMs) return { busyCpus, waitedMs };
  }
}

/** Nanoseconds of the cheapest system call right now (tools/calibrate.cc). */
export async function calibrate(commands: Commands): Promise<number> {
  return (JSON.parse(await commands.run([`${toolsDir}calibrate`])) as { getppid_ns: number }).getppid_ns;
}

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    compiler: firstLine('g++', '--version'),
    commit: commitNow(),
  };
}

function commitNow(): string {
  const git = ['-c', `safe.directory=${root.replace(/\/$/, '')}`, '-C', root];
  const isChanged = firstLine('git', ...git, 'status', '--porcelain', '--untracked-files=no') !== '';
  return `${firstLine('git', ...git, 'rev-parse', '--short=12', 'HEAD')}${isChanged ? ' with changes' : ''}`;
}

/** What cannot be asked is unknown; the figures count all the same. */
function firstLine(file: string, ...args: readonly string[]): string {
  try {
    const said = execFileSync(file, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return said.split('\n')[0] ?? '';
  } catch {
    return 'unknown';
  }
}
