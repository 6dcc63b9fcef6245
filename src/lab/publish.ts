/**
 * Shows the namespaces that agents make inside nodes in the machine's /run/netns as well:
 * qrouter-r1 of node cn1 is dvr-cn1-qrouter-r1 outside, and vanishes with the one inside.
 */
import { closeSync, openSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type LabPlan, publishedName } from './plan.js';
import { namespaceInode, netnsDir, nsInode } from './processes.js';
import { readHolderPid, writePublished } from './record.js';
import { runTool } from './scripts.js';

/** A namespace to show: its name outside, the path that leads to it, and which one it is. */
export interface Inner {
  readonly name: string;
  readonly path: string;
  readonly inode: number;
}

/** What to take away and what to show, so that the names outside are those inside. Pure. */
export function publishSteps(
  inside: readonly Inner[], outside: ReadonlyMap<string, number | undefined>,
): { readonly hide: readonly string[]; readonly show: readonly Inner[] } {
  const wanted = new Map(inside.map((one) => [one.name, one]));
  // A namespace made anew under its old name is another one: the old name must go first.
  const hide = [...outside].filter(([name, inode]) => wanted.get(name)?.inode !== inode).map(([name]) => name);
  const show = inside.filter((one) => outside.get(one.name) !== one.inode);
  return { hide, show };
}

/** One round; `published` is what earlier rounds showed, the answer is what is shown now. */
export async function publish(plan: LabPlan, published: readonly string[]): Promise<string[]> {
  const inside = plan.nodes.flatMap((node) => innersOf(node.name, (inner) => publishedName(node, inner)));
  const outside = new Map(published.map((name) => [name, namespaceInode(name)]));
  const { hide, show } = publishSteps(inside, outside);
  if (hide.length === 0 && show.length === 0) return [...published];
  const names = inside.map((one) => one.name);
  writePublished([...new Set([...published, ...names])]);
  for (const name of hide) await hideName(name);
  for (const one of show) await showName(one);
  writePublished(names);
  return names;
}

/** Where a node keeps its namespaces' names, seen from outside; nothing while nobody holds the node. */
export function innerNetnsDir(node: string): string | undefined {
  const holder = readHolderPid(node);
  return holder === undefined ? undefined : `/proc/${holder}/root${netnsDir}`;
}

function innersOf(node: string, nameOf: (inner: string) => string): Inner[] {
  const dir = innerNetnsDir(node);
  if (dir === undefined) return [];
  return listDir(dir).flatMap((inner) => {
    const path = join(dir, inner);
    const inode = nsInode(path);
    // `ip netns add` makes the file before it mounts the namespace on it; the next round sees it.
    return inode === undefined ? [] : [{ name: nameOf(inner), path, inode }];
  });
}

function listDir(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    // The node's holder is gone; what it had is hidden until it is held again.
    return [];
  }
}

async function showName(inner: Inner): Promise<void> {
  const at = join(netnsDir, inner.name);
  closeSync(openSync(at, 'a'));
  // The namespace may be gone by now: the next round takes the empty name away again.
  // Made canonical, /proc/PID/root would be this machine's own /, and its namespace of that name be shown instead.
  await runTool('mount', ['--no-canonicalize', '--bind', inner.path, at]).catch(() => undefined);
}

export async function hideName(name: string): Promise<void> {
  const at = join(netnsDir, name);
  await runTool('umount', ['--lazy', at]).catch(() => undefined);
  rmSync(at, { force: true });
}
