/**
 * The controller's state on disk: one JSON file, replaced whole and atomically. A crash leaves the old
 * state or the new one, never half of one; a file that cannot be read stops the start, since allocating
 * anew beside running guests would give their addresses to others.
 */
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { DvrError } from '../model/errors.js';
import { stateDir } from '../model/paths.js';
import { decodeIntent, encodeIntent } from './state-file.js';
import { emptyIntent, type Intent } from './intent.js';

export interface Store {
  /** The state saved last, or an empty one. @throws DvrError DVR_STATE_UNREADABLE */
  load(): Intent;
  /** Returns when the state is on the disk. */
  save(intent: Intent): void;
}

export const stateFile = (): string => join(stateDir(), 'controller', 'state.json');

export class FileStore implements Store {
  /** What the file holds: writing the same again is left out. */
  private saved: string | undefined;

  constructor(private readonly path = stateFile()) {}

  load(): Intent {
    let text: string;
    try {
      text = readFileSync(this.path, 'utf8');
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return emptyIntent;
      throw unreadable(this.path, cause);
    }
    try {
      const intent = decodeIntent(JSON.parse(text));
      this.saved = text;
      return intent;
    } catch (cause) {
      throw unreadable(this.path, cause);
    }
  }

  save(intent: Intent): void {
    const text = `${JSON.stringify(encodeIntent(intent), null, 1)}\n`;
    if (text === this.saved) return;
    mkdirSync(dirname(this.path), { recursive: true, mode: 0o700 });
    const temporary = `${this.path}.new`;
    writeAndSync(temporary, text);
    renameSync(temporary, this.path);
    syncFolder(dirname(this.path));
    this.saved = text;
  }
}

function writeAndSync(path: string, text: string): void {
  const file = openSync(path, 'w', 0o600);
  try {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Without this the rename itself may be lost with the power. */
function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

function unreadable(path: string, cause: unknown): DvrError {
  return new DvrError(
    'DVR_STATE_UNREADABLE',
    `the controller's state ${path} cannot be read: ${(cause as Error).message}`,
    'restore it from a copy; or move it away to start anew, after all agents have stopped',
    { cause },
  );
}
