/**
 * The process that stands in for systemd while a lab is up: `dvr lab supervise`, started by
 * `dvr lab up`. It keeps controller, dataplanes and agents running, shows the routers' namespaces
 * outside and bounds the logs. If it dies nothing else does; the next `dvr lab up` starts it again.
 */
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { findLabProcesses, endProcesses, idVariable, roleHolders, roleVariable } from './processes.js';
import { keep } from './keeper.js';
import { NameWatch } from './name-watch.js';
import { boundLogs } from './logs.js';
import { publish } from './publish.js';
import { type LabRecord, labTopologyFile, logsDir, readPublished, requireRecord } from './record.js';
import { logFileOf, rolesOf } from './roles.js';
import { mainFile } from './scripts.js';

/** How often is looked for namespaces to show: while names come and go (a namespace follows its name), and else. */
const kLivelyMs = 500;
const kCalmMs = 5000;
/** How long a lab is lively after the last name has come or gone. */
const kStirMs = 3000;
/** What comes together is shown together. */
const kSettleMs = 50;

/** Starts the lab's supervisor, detached, unless it runs. */
export async function startSupervisor(record: LabRecord): Promise<void> {
  if (roleHolders(record.id).has('supervisor')) return;
  // An earlier supervisor's agents look for namespaces under a process that is gone. They end before
  // anybody asks whether the lab is whole, for soon it would not be.
  await endProcesses(() => findLabProcesses(record.id, []).filter(({ role }) => role?.startsWith('agent ')));
  const log = openSync(logFileOf(logsDir(), 'supervisor'), 'a');
  try {
    spawn(process.execPath, [mainFile, 'lab', 'supervise'], {
      detached: true,
      cwd: '/',
      stdio: ['ignore', log, log],
      env: { ...process.env, [idVariable]: record.id, [roleVariable]: 'supervisor' },
    }).unref();
  } finally {
    closeSync(log);
  }
}

/** Runs until SIGTERM. What it started goes on: a stop is not a teardown. */
export async function supervise(): Promise<void> {
  const record = requireRecord();
  process.title = `dvr lab ${record.name}`;
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => { stop.abort(); });
  for (const role of rolesOf(record.plan, labTopologyFile(), record.controllers)) void keep(role, logsDir(), stop.signal);
  await showNamespaces(record, stop.signal);
  process.exit(0);
}

/** Until the signal; the logs are bounded on the way. */
async function showNamespaces(record: LabRecord, stop: AbortSignal): Promise<void> {
  const nodes = record.plan.nodes.map(({ name }) => name);
  let stirred = new AbortController();
  let stirredAtMs = performance.now();
  const names = new NameWatch(() => { stirredAtMs = performance.now(); stirred.abort(); });
  for (let published = readPublished(); !stop.aborted;) {
    stirred = new AbortController();
    names.follow(nodes);
    published = await publish(record.plan, published);
    const lively = performance.now() - stirredAtMs < kStirMs;
    boundLogs(logsDir());
    await pause(lively ? kLivelyMs : kCalmMs, AbortSignal.any([stop, stirred.signal]));
    await pause(kSettleMs, stop);
  }
  names.close();
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(ms, undefined, { signal }).catch(() => undefined);
