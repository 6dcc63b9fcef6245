/** `dvr lab exec NAME -- CMD…`: runs a command in a node, a VM, the fabric or outside, as if logged in there. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { DvrError } from '../model/errors.js';
import { namespacePrefix } from './plan.js';
import { netnsDir } from './processes.js';
import { type LabRecord, readHolderPid } from './record.js';

/** How a command is run at a place: `prefix` is put before its own words. */
export function placePrefix(record: LabRecord, name: string): string[] {
  if (record.plan.nodes.some((node) => node.name === name)) {
    const holder = readHolderPid(name);
    if (holder !== undefined) {
      // Entering a mount namespace goes to its top folder, so the folder must be given.
      return ['nsenter', `--net=/proc/${holder}/ns/net`, `--mount=/proc/${holder}/ns/mnt`, `--wdns=${process.cwd()}`, '--'];
    }
  }
  const namespace = name.startsWith(namespacePrefix) ? name : namespacePrefix + name;
  if (existsSync(join(netnsDir, namespace))) return ['ip', 'netns', 'exec', namespace];
  const known = [...record.plan.nodes, ...record.plan.vms].map((one) => one.name);
  const outside = record.plan.outside === undefined ? [] : ['ext', 'upstream'];
  throw new DvrError('DVR_NOT_FOUND', `the lab has no "${name}"`, `it has ${['fabric', ...outside, ...known].join(', ')}`);
}

/** Runs the command with this process's terminal and answers with its exit code. */
export function execAt(record: LabRecord, name: string, command: readonly string[]): Promise<number> {
  const [file, ...args] = [...placePrefix(record, name), ...command];
  return new Promise((resolve, reject) => {
    const child = spawn(file ?? '', args, { stdio: 'inherit' });
    // The terminal's signals reach the command itself; this process only waits for its end.
    for (const signal of ['SIGINT', 'SIGQUIT'] as const) process.on(signal, () => undefined);
    for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => { child.kill(signal); });
    child.once('error', reject);
    child.once('exit', (code, signal) => { resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])); });
  });
}
