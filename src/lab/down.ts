/**
 * `dvr lab down`: takes everything away that the record names, in whatever state it is, and says what
 * it could not. Works from the record and the kernel alone, so it needs no process of the lab alive.
 */
import { existsSync, readdirSync, rmSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { DvrError } from '../model/errors.js';
import { runDir } from '../model/paths.js';
import { type Cluster, foreignPorts } from './cluster.js';
import { isInside, namespacesOf } from './plan.js';
import { endProcesses, findLabProcesses, namespaceInode, netnsDir } from './processes.js';
import { hideName } from './publish.js';
import { type LabRecord, labFile, readPublished, stateIsLabs } from './record.js';
import { runScript } from './scripts.js';

/** Takes the lab down and answers with what is left of it; empty is the only good answer. */
export async function takeDown(record: LabRecord, cluster: Cluster): Promise<string[]> {
  await unplugForeign(record, cluster);
  const names = everyName(record);
  await endProcesses(() => findLabProcesses(record.id, names));
  for (const vm of record.plan.vms) await runScript('vm', 'down', vm.name);
  for (const node of record.plan.nodes) await runScript('node', 'down', node.name);
  if (record.plan.outside !== undefined) await runScript('outside', 'down');
  await runScript('fabric', 'down');
  for (const name of names) if (existsSync(join(netnsDir, name))) await hideName(name);
  const left = leftovers(record, names);
  if (stateIsLabs(record.stateDir)) removeDir(record.stateDir);
  // The record goes last, and only when nothing is left: until then a second `down` can go on.
  if (left.length === 0) removeDir(runDir(), labFile());
  return [...left, ...[record.stateDir, runDir()].filter(hasContent)];
}

/** Containers and such outlive the lab: their ports are detached as long as somebody can do it. */
async function unplugForeign(record: LabRecord, cluster: Cluster): Promise<void> {
  try {
    for (const port of foreignPorts(record.plan, await cluster.status())) await cluster.detach(port);
  } catch (error) {
    // A lab whose controller is dead is taken down all the same.
    if (!(error instanceof DvrError)) throw error;
  }
}

/** All names of the lab in /run/netns, published ones included. */
export function everyName(record: LabRecord): string[] {
  const inner = listDir(netnsDir).filter((name) => record.plan.nodes.some((node) => isInside(node, name)));
  return [...new Set([...namespacesOf(record.plan), ...readPublished(), ...inner])];
}

function leftovers(record: LabRecord, names: readonly string[]): string[] {
  const processes = findLabProcesses(record.id, names).map(({ pid, title }) => `process ${pid} (${title})`);
  const namespaces = names.filter((name) => existsSync(join(netnsDir, name)))
    .map((name) => `${namespaceInode(name) === undefined ? 'name' : 'namespace'} ${join(netnsDir, name)}`);
  return [...processes, ...namespaces];
}

/** Empties the folder, `last` last, and removes it unless it is a mount point that only root fs owns. */
function removeDir(dir: string, last?: string): void {
  for (const entry of listDir(dir)) {
    const path = join(dir, entry);
    if (path !== last) rmSync(path, { recursive: true, force: true });
  }
  if (last !== undefined) rmSync(last, { force: true });
  try {
    rmdirSync(dir);
  } catch {
    // A mount point cannot go, nor need it; anything in it is reported as left.
  }
}

const hasContent = (dir: string): boolean => listDir(dir).length > 0;

function listDir(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return [];
  }
}

