/**
 * Finds and ends the processes of a lab, by facts of the kernel alone: a process is the lab's if it
 * carries the lab's id in its environment or lives in one of the lab's namespaces. No pid file can lie.
 */
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export const idVariable = 'DVR_LAB_ID';
export const roleVariable = 'DVR_LAB_ROLE';
export const netnsDir = '/run/netns';

export interface LabProcess {
  readonly pid: number;
  readonly parent: number;
  /** What the lab started it as ("agent cn1"); absent for what people started inside. */
  readonly role?: string;
  readonly title: string;
}

/** A process that was asked to end gets this long before it is killed. */
const kTermWaitMs = 2000;
/** A killed process may still be tearing down its namespaces; beyond this something is badly wrong. */
const kKillWaitMs = 10_000;
const kPollMs = 20;

/** Inode of the network namespace that a name in /run/netns stands for, if it stands for one. */
export function namespaceInode(name: string): number | undefined {
  return nsInode(join(netnsDir, name));
}

/** As namespaceInode, for any path; undefined for a plain file, which a name without its mount is. */
export function nsInode(path: string): number | undefined {
  try {
    const at = statSync(path);
    return at.dev === statSync('/proc/self/ns/net').dev ? at.ino : undefined;
  } catch {
    return undefined;
  }
}

/** All processes of the lab with this id, and all in the named namespaces; never this one or its parents. */
export function findLabProcesses(id: string, namespaces: readonly string[]): LabProcess[] {
  const inodes = new Set(namespaces.flatMap((name) => namespaceInode(name) ?? []));
  const spared = ancestors();
  return readdirSync('/proc').flatMap((entry) => {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || spared.has(pid)) return [];
    const environment = environmentOf(pid);
    const ours = environment.includes(`${idVariable}=${id}`) || inodes.has(netnsOf(pid));
    return ours ? [describe(pid, environment)] : [];
  });
}

/** Asks all to end, kills those that did not, and answers with those that still live. */
export async function endProcesses(find: () => readonly LabProcess[]): Promise<readonly LabProcess[]> {
  // The supervisor would start again what ends, so it goes first and at once.
  for (const { pid, role } of find()) if (role === 'supervisor') send(pid, 'SIGKILL');
  for (const { pid } of find()) send(pid, 'SIGTERM');
  let left = await waitGone(find, kTermWaitMs, () => {});
  if (left.length > 0) left = await waitGone(find, kKillWaitMs, (pid) => send(pid, 'SIGKILL'));
  return left;
}

/** Who holds which role. The tools that a process runs inherit its role, but it is not theirs. */
export function roleHolders(id: string): Map<string, number> {
  const all = findLabProcesses(id, []);
  const roleAt = new Map(all.map(({ pid, role }) => [pid, role]));
  const holders = all.filter(({ role, parent }) => role !== undefined && roleAt.get(parent) !== role);
  return new Map(holders.map(({ role, pid }) => [role ?? '', pid]));
}

/** The process that calls itself so, in the network namespace with this inode or in this process's own. */
export function findTitled(title: string, network: number = namespaceOf('self', 'net')): number | undefined {
  return readdirSync('/proc').map(Number)
    .find((pid) => pid > 0 && titleOf(pid) === title && netnsOf(pid) === network);
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function waitGone(
  find: () => readonly LabProcess[], waitMs: number, each: (pid: number) => void,
): Promise<readonly LabProcess[]> {
  const deadline = performance.now() + waitMs;
  for (;;) {
    const left = find();
    if (left.length === 0 || performance.now() > deadline) return left;
    for (const { pid } of left) each(pid);
    await sleep(kPollMs);
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself meanwhile, which is what was wanted.
  }
}

function ancestors(): Set<number> {
  const pids = new Set<number>();
  for (let pid = process.pid; pid > 0 && !pids.has(pid); pid = parentOf(pid)) pids.add(pid);
  return pids;
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s*(\d+)$/m.exec(readProc(pid, 'status'))?.[1] ?? 0);
}

function describe(pid: number, environment: readonly string[]): LabProcess {
  const role = environment.find((one) => one.startsWith(`${roleVariable}=`))?.slice(roleVariable.length + 1);
  const title = titleOf(pid);
  const parent = parentOf(pid);
  return role === undefined ? { pid, parent, title } : { pid, parent, role, title };
}

const titleOf = (pid: number): string => readProc(pid, 'cmdline').replaceAll('\0', ' ').trim();

export const environmentOf = (pid: number): string[] => readProc(pid, 'environ').split('\0');

export const netnsOf = (pid: number): number => namespaceOf(pid, 'net');

/** Inode of a process's namespace; 0 for a process that has ended. */
export function namespaceOf(pid: number | 'self', kind: 'net' | 'mnt'): number {
  try {
    return Number(/\d+/.exec(readlinkSync(`/proc/${pid}/ns/${kind}`))?.[0] ?? 0);
  } catch {
    return 0;
  }
}

/** Empty for a process that has ended: a zombie belongs to nobody any more. */
function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
