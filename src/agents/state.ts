/**
 * What an agent keeps on disk: its numbers, its last good view, and the exact list of what it has made,
 * so that the next agent goes on without the controller and removes nothing that is not ours.
 *
 * Written whole and atomically (a new file, synced, renamed); read once at start.
 */
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { DvrError } from '../model/errors.js';
import type { NodeView } from '../model/node-view.js';
import { nodeStateDir } from '../model/paths.js';
import type { Plug } from './desired.js';
import { noIds, type LocalIds } from './local-ids.js';

export interface AgentState {
  readonly ids: LocalIds;
  readonly view?: NodeView;
  /** Router namespaces that we have built. */
  readonly namespaces: readonly string[];
  readonly plugs: readonly Plug[];
}

const kVersion = 1;
const emptyState: AgentState = { ids: noIds, namespaces: [], plugs: [] };

const fileOf = (node: string): string => join(nodeStateDir(node), 'agent.json');

/** @throws DVR_STATE_UNREADABLE if the file is there but not ours to read: guessing would lose devices. */
export async function loadState(node: string): Promise<AgentState> {
  const path = fileOf(node);
  const fault = (why: string, cause?: unknown): DvrError =>
    new DvrError('DVR_STATE_UNREADABLE', `${path}: ${why}`, 'move it away to start without it', { cause });
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return emptyState;
    throw fault('it cannot be read', cause);
  }
  try {
    const { version, ...state } = JSON.parse(text) as AgentState & { readonly version: number };
    if (version === kVersion) return state;
  } catch (cause) {
    throw fault('it is no JSON', cause);
  }
  throw fault('it was written by another version');
}

export async function saveState(node: string, state: AgentState): Promise<void> {
  const path = fileOf(node);
  await mkdir(nodeStateDir(node), { recursive: true, mode: 0o700 });
  const file = await open(`${path}.new`, 'w', 0o600);
  try {
    await file.writeFile(JSON.stringify({ version: kVersion, ...state }));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}
