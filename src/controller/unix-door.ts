/**
 * The controller's unix socket: only its owner may open it, at no moment anyone else. It is bound in a
 * closed folder, closed itself, and only then moved to where people and agents look for it.
 */
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { DvrError } from '../model/errors.js';

/**
 * Has `listen` listen on `path`; the answer takes the socket away again.
 * @throws DvrError DVR_CONFLICT where another controller has it, DVR_USAGE where it cannot be made.
 */
export async function openUnixDoor(
  path: string,
  listen: (path: string) => Promise<unknown>,
): Promise<() => void> {
  await removeStaleSocket(path);
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    const closedFolder = mkdtempSync(join(dirname(path), '.door-'));
    try {
      const bound = join(closedFolder, 's');
      await listen(bound);
      chmodSync(bound, 0o600);
      renameSync(bound, path);
    } finally {
      rmSync(closedFolder, { recursive: true, force: true });
    }
  } catch (cause) {
    throw new DvrError(
      'DVR_USAGE',
      `cannot listen on ${path}: ${(cause as Error).message}`,
      'run as root, or set DVR_RUN_DIR',
      { cause },
    );
  }
  return () => rmSync(path, { force: true });
}

/**
 * A socket nobody answers on is what a killed controller left; one that answers is a controller.
 * @throws DvrError DVR_CONFLICT
 */
export async function removeStaleSocket(path: string): Promise<void> {
  const file = lstatSync(path, { throwIfNoEntry: false });
  if (file === undefined) return;
  const hint = 'stop what uses it, or set DVR_RUN_DIR';
  if (!file.isSocket()) throw new DvrError('DVR_CONFLICT', `${path} is no socket`, hint);
  if (await answers(path)) {
    throw new DvrError('DVR_CONFLICT', `a controller listens on ${path} already`, hint);
  }
  rmSync(path, { force: true });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
