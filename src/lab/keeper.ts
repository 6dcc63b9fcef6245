/**
 * Keeps the process of one role running: starts it, and starts it again when it ends.
 *
 * A role with a socket is held by whoever answers there. So `dvr dataplane --replace` by hand takes
 * the role over, and ours, which then leaves, is started again only when nobody answers any more.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { netnsDir, roleVariable } from './processes.js';
import { readHolderPid } from './record.js';
import { type Role, logFileOf, nextPauseMs } from './roles.js';
import { mainFile } from './scripts.js';

/** How often another holder of a role is asked whether it is still there. */
const kWatchMs = 250;
/** A process that left in good order handed over: its successor may need this long to listen. */
const kHandoverMs = 500;
/** A listener that does not even accept within this time is taken for dead. */
const kConnectMs = 1000;

/** Runs until the signal; never fails, since a role that cannot be started now may be later. */
export async function keep(role: Role, logs: string, signal: AbortSignal): Promise<void> {
  let pauseMs: number | undefined;
  while (!signal.aborted) {
    if (role.socket !== undefined && await answers(role.socket)) {
      await pause(kWatchMs, signal);
      continue;
    }
    const began = performance.now();
    const end = await runOnce(role, logs);
    const livedMs = performance.now() - began;
    pauseMs = nextPauseMs(pauseMs, livedMs);
    console.log(`${new Date().toISOString()} ${role.name}: ${end} after ${Math.round(livedMs)} ms`);
    const handedOver = end === 'exit 0' && role.socket !== undefined;
    await pause(handedOver ? kHandoverMs : pauseMs, signal);
  }
}

/** Starts the role's process and answers with how it ended. */
async function runOnce(role: Role, logs: string): Promise<string> {
  const command = commandOf(role);
  if (command === undefined) return 'its node is not held';
  const log = openSync(logFileOf(logs, role.name), 'a');
  try {
    for (const file of role.stale ?? []) rmSync(file, { force: true });
    if (role.folder !== undefined) mkdirSync(role.folder, { recursive: true, mode: 0o700 });
    const child = spawn(command.file, command.args, {
      detached: true,
      ...(role.folder === undefined ? {} : { cwd: role.folder }),
      stdio: ['ignore', log, log],
      env: { ...process.env, ...role.environment, [roleVariable]: role.name, DVR_HOST_ROOT: `/proc/${process.pid}/root` },
    });
    return await ended(child);
  } finally {
    closeSync(log);
  }
}

function commandOf(role: Role): { file: string; args: string[] } | undefined {
  const dvr = [mainFile, ...role.args];
  if (role.namespace !== undefined) {
    return { file: 'nsenter', args: [`--net=${netnsDir}/${role.namespace}`, '--', process.execPath, ...dvr] };
  }
  if (role.program !== undefined) return { file: role.program, args: [...role.args] };
  if (role.node === undefined) return { file: process.execPath, args: dvr };
  const holder = readHolderPid(role.node);
  if (holder === undefined) return undefined;
  // The paths of the checkout are the same inside: only /run/netns and /sys differ.
  return { file: 'nsenter', args: [`--net=/proc/${holder}/ns/net`, `--mount=/proc/${holder}/ns/mnt`, '--', process.execPath, ...dvr] };
}

function ended(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => { resolve(error.message); });
    child.once('exit', (code, signal) => { resolve(signal === null ? `exit ${code}` : signal); });
  });
}

/** Whether a process listens on the unix socket. */
export function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const finish = (listening: boolean): void => {
      socket.destroy();
      resolve(listening);
    };
    socket.setTimeout(kConnectMs, () => { finish(false); });
    socket.once('connect', () => { finish(true); });
    socket.once('error', () => { finish(false); });
  });
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
