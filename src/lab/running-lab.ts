/**
 * A lab that runs on this machine, whatever run folder it was brought up with: found by its processes,
 * so that nobody is told that what it made is nobody's.
 */
import { readdirSync } from 'node:fs';
import { runDirOf } from '../model/paths.js';
import { namespacePrefix } from './plan.js';
import { environmentOf, idVariable, namespaceInode, namespaceOf, netnsDir, netnsOf, roleVariable } from './processes.js';

export interface RunningLab {
  readonly runDir: string;
  readonly pid: number;
  /** What that process is in its lab; the supervisor where there is one. */
  readonly role: string;
}

/** The lab that shares this machine's /run/netns; those of containers and of tests have their own. */
export function runningLab(): RunningLab | undefined {
  const shown = new Set(readNames().map(namespaceInode));
  const labs = readdirSync('/proc').map(Number).filter((pid) => pid > 0).flatMap((pid) => {
    const environment = Object.fromEntries(environmentOf(pid).map(pairOf));
    if (environment[idVariable] === undefined) return [];
    // What runs in a node has mounts of its own, but its network is one that is shown here.
    const here = namespaceOf(pid, 'mnt') === namespaceOf('self', 'mnt') || shown.has(netnsOf(pid));
    return here ? [{ pid, runDir: runDirOf(environment), role: environment[roleVariable] ?? 'node' }] : [];
  });
  return labs.find(({ role }) => role === 'supervisor') ?? labs[0];
}

/** `the lab in /run/dvr (supervisor, process 4711)`: what messages call it. */
export const runningLabText = ({ runDir, role, pid }: RunningLab): string => `the lab in ${runDir} (${role}, process ${pid})`;

function pairOf(text: string): [string, string] {
  const at = text.indexOf('=');
  return [text.slice(0, at), text.slice(at + 1)];
}

function readNames(): string[] {
  try {
    return readdirSync(netnsDir).filter((name) => name.startsWith(namespacePrefix));
  } catch {
    // Nothing has made a namespace here yet.
    return [];
  }
}
