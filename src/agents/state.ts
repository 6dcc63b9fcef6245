/**
 * What an agent keeps on disk: its numbers, its last good view, and the exact list of what it has made,
 * so that the next agent goes on without the controller and removes nothing that is not ours.
 *
 *   agent.json   numbers and what was made: on disk before anything is made, so it is kept small
 *   view.json    the view, megabytes in a large cloud: written once a node is as it says
 *
 * Each is written whole and atomically (a new file, synced, renamed); read once at start.
 */
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { DvrError } from '../model/errors.js';
import type { NodeView } from '../model/node-view.js';
import { nodeStateDir } from '../model/paths.js';
import type { Plug } from './desired.js';
import { noIds, type LocalIds } from './local-ids.js';

export interface MadeState {
  readonly ids: LocalIds;
  /** Router namespaces that we have built. */
  readonly namespaces: readonly string[];
  readonly plugs: readonly Plug[];
}
export interface AgentState extends MadeState { readonly view?: NodeView }

const kVersion = 1;
const emptyState: AgentState = { ids: noIds, namespaces: [], plugs: [] };

const madeFile = 'agent.json';
const viewFile = 'view.json';

/** @throws DVR_STATE_UNREADABLE if a file is there but not ours to read: guessing would lose devices. */
export async function loadState(node: string): Promise<AgentState> {
  const made = await read<MadeState>(node, madeFile);
  const kept = await read<{ readonly view: NodeView }>(node, viewFile);
  // A state of before there were numbers for routers has none.
  const ids = { ...noIds, ...made?.ids };
  return { ...(made ?? emptyState), ids, ...kept };
}

export interface StateKeeper {
  save(state: MadeState): Promise<void>;
  saveView(view: NodeView): Promise<void>;
}

/** Writes what has changed since it wrote last: a write waits for the disk. */
export function stateKeeper(node: string): StateKeeper {
  let made = '';
  let view: NodeView | undefined;
  return {
    save: async (state) => {
      const text = textOf(state);
      if (text !== made) await write(node, madeFile, text);
      made = text;
    },
    saveView: async (next) => {
      if (next !== view) await write(node, viewFile, textOf({ view: next }));
      view = next;
    },
  };
}

const textOf = (state: object): string => JSON.stringify({ version: kVersion, ...state });

async function read<State extends object>(node: string, name: string): Promise<State | undefined> {
  const path = join(nodeStateDir(node), name);
  const fault = (why: string, cause?: unknown): DvrError =>
    new DvrError('DVR_STATE_UNREADABLE', `${path}: ${why}`, 'move it away to start without it', { cause });
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw fault('it cannot be read', cause);
  }
  try {
    const { version, ...state } = JSON.parse(text) as State & { readonly version: number };
    if (version === kVersion) return state as unknown as State;
  } catch (cause) {
    throw fault('it is no JSON', cause);
  }
  throw fault('it was written by another version');
}

async function write(node: string, name: string, text: string): Promise<void> {
  const path = join(nodeStateDir(node), name);
  await mkdir(nodeStateDir(node), { recursive: true, mode: 0o700 });
  const file = await open(`${path}.new`, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}
