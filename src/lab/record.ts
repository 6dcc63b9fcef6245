/**
 * What a lab has made on this machine, kept on disk so that `dvr lab down` needs nothing else: no
 * living process, no topology file. It is written before the first thing is made and removed last.
 *
 * lab.json is written by `dvr lab up` and `dvr lab vm` only, published.json by the supervisor only: one writer a file.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DvrError } from '../model/errors.js';
import { runDir, stateDir } from '../model/paths.js';
import type { LabPlan } from './plan.js';
import { runningLab, runningLabText } from './running-lab.js';

export interface LabRecord {
  readonly version: 1;
  readonly name: string;
  /** In the environment of every process the lab starts, as DVR_LAB_ID. */
  readonly id: string;
  readonly topologyFile: string;
  readonly topologyText: string;
  readonly plan: LabPlan;
  readonly stateDir: string;
  /** How many; absent: one. */
  readonly controllers?: number;
  /** Who is building; while that process lives nobody else may. */
  readonly builderPid: number;
}

export const labFile = (): string => join(runDir(), 'lab.json');
export const labTopologyFile = (): string => join(runDir(), 'topology.yaml');
export const logsDir = (): string => join(runDir(), 'logs');
export const holderPidFile = (node: string): string => join(runDir(), node, 'holder.pid');
const publishedFile = (): string => join(runDir(), 'published.json');
/** Says that what lies in the state folder is a lab's and may be removed with it. */
const kStateMarker = '.lab';

export function readRecord(): LabRecord | undefined {
  let text: string;
  try {
    text = readFileSync(labFile(), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return JSON.parse(text) as LabRecord;
  } catch (cause) {
    throw new DvrError('DVR_STATE_UNREADABLE', `${labFile()} is no lab record`,
      'remove the file and what `ip netns` shows with names that begin with dvr-', { cause });
  }
}

/** @throws DvrError DVR_NO_LAB */
export function requireRecord(): LabRecord {
  const record = readRecord();
  if (record === undefined) throw noLab();
  return record;
}

/** Says where a lab is that this command does not look at. */
export function noLab(): DvrError {
  const other = runningLab();
  return other === undefined
    ? new DvrError('DVR_NO_LAB', 'no lab is up', 'bring it up with `dvr lab up`')
    : new DvrError('DVR_NO_LAB', `no lab is up in ${runDir()}, but ${runningLabText(other)} is`, `set DVR_RUN_DIR=${other.runDir}`);
}

export function writeRecord(record: LabRecord): void {
  mkdirSync(logsDir(), { recursive: true });
  writeWhole(labFile(), JSON.stringify(record, null, 2));
  // The controller reads the lab's own copy, so that the user's file may change or go.
  writeWhole(labTopologyFile(), record.topologyText);
}

/** @throws DvrError DVR_CONFLICT where the state folder holds a real deployment's state. */
export function claimStateDir(): void {
  const dir = stateDir();
  const marker = join(dir, kStateMarker);
  if (existsSync(dir) && readdirSync(dir).length > 0 && !existsSync(marker)) {
    throw new DvrError('DVR_CONFLICT', `${dir} holds the state of a deployment that is no lab`,
      'set DVR_STATE_DIR to another folder for the lab');
  }
  mkdirSync(dir, { recursive: true });
  writeFileSync(marker, '');
}

export const stateIsLabs = (dir: string): boolean => existsSync(join(dir, kStateMarker));

/** The names in /run/netns that stand for namespaces inside nodes. */
export function readPublished(): string[] {
  try {
    return JSON.parse(readFileSync(publishedFile(), 'utf8')) as string[];
  } catch {
    // Never written yet, or the machine stopped within the write: node.sh down goes by prefix as well.
    return [];
  }
}

export function writePublished(names: readonly string[]): void {
  writeWhole(publishedFile(), JSON.stringify(names));
}

export function readHolderPid(node: string): number | undefined {
  try {
    const pid = Number(readFileSync(holderPidFile(node), 'utf8'));
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** A reader sees the old file or the new one, never half of it. */
function writeWhole(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
