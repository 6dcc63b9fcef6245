/** Facts about a lab that is up, asked of the kernel and of the controller; for tests of test/system. */
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PortStatus, Status } from '../../src/controller/status.js';
import { findLabProcesses } from '../../src/lab/processes.js';
import { requireRecord } from '../../src/lab/record.js';
import type { NodeTables } from '../../src/trace/under-the-hood.js';
import { type Lab, type Ran, dvr } from './lab.js';

/** Longer than anything takes that is waited for; a test asserts that it happens, never how soon. */
const kPatienceMs = 30_000;
const kPollMs = 50;
/** What the kernel counts CPU time in (USER_HZ), on every Linux that Node runs on. */
const kTicksPerSecond = 100;

/** Role names are those of the lab: "agent cn1", "dataplane cn2", "controller". Commands that one runs came after it. */
export const pidOf = (role: string): number | undefined =>
  findLabProcesses(requireRecord().id, []).filter((one) => one.role === role).map(({ pid }) => pid).sort((left, right) => left - right)[0];

export async function until(what: string, ready: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + kPatienceMs;
  while (!(await ready())) {
    if (performance.now() > deadline) throw new Error(`not within ${kPatienceMs} ms: ${what}`);
    await sleep(kPollMs);
  }
}

/** Kills the process of the role and answers once the supervisor has another. */
export async function killAndWait(role: string): Promise<void> {
  const before = pidOf(role);
  if (before === undefined) throw new Error(`nobody is ${role}`);
  process.kill(before, 'SIGKILL');
  await until(`${role} runs again`, () => ![undefined, before].includes(pidOf(role)));
}

/** The JSON that a command printed, whatever its exit code. */
export function jsonOf(ran: Ran): Record<string, unknown> {
  try {
    return JSON.parse(ran.stdout) as Record<string, unknown>;
  } catch (cause) {
    throw new Error(`no JSON (exit ${ran.code}): ${ran.stdout}\n${ran.stderr}`, { cause });
  }
}

export async function statusNow(): Promise<Status> {
  return jsonOf(await dvr('status', '--json')) as unknown as Status;
}

export async function portNow(name: string): Promise<PortStatus | undefined> {
  return (await statusNow()).ports.find((port) => port.name === name);
}

/** All rows of a node, a line each without packet counts: equal lists are equal tables. */
export async function rowsOf(node: string): Promise<string[]> {
  const [
    tables,
  ] = jsonOf(await dvr('tables', '--node', node, '--json')) as unknown as readonly NodeTables[];
  return (tables?.stages ?? []).flatMap((stage) => stage.tables)
    .flatMap(({ table, rows }) => rows.map((row) => `${table}: ${row.join(' ')}`)).sort();
}

/** Names of the links at a place, sorted. */
export async function linksAt(lab: Lab, place: string): Promise<string[]> {
  const { stdout } = await lab.exec(place, ['ip', '-json', 'link', 'show']);
  return (JSON.parse(stdout) as { ifname: string }[]).map(({ ifname }) => ifname).sort();
}

export const descriptorCount = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;

/** CPU time that all threads of the process have used so far. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /, '').split(' ');
  // proc(5): utime and stime are fields 14 and 15; the text after the name begins with field 3.
  return (Number(fields[11]) + Number(fields[12])) / kTicksPerSecond;
}
