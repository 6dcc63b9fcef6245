/** Keeps the logs of a lab small: a process that complains all night must not fill /run, which is memory. */
import { closeSync, ftruncateSync, openSync, readSync, readdirSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Beyond this a log is cut. */
const kMaxLogBytes = 1 << 20;
/** What is kept of it: the end, which says what happened last. */
const kKeptLogBytes = 1 << 18;

/** Cuts every log of the folder that is too long. Writers append, so they go on at the new end. */
export function boundLogs(dir: string): void {
  for (const name of readdirSync(dir)) {
    const path = join(dir, name);
    if (name.endsWith('.log') && statSync(path).size > kMaxLogBytes) keepEnd(path);
  }
}

/** The last lines of a log, for an error message; empty where there is none. */
export function lastLines(path: string, count: number): string {
  try {
    return endOf(path).trimEnd().split('\n').slice(-count).join('\n');
  } catch {
    return '';
  }
}

function keepEnd(path: string): void {
  const end = endOf(path);
  const fd = openSync(path, 'r+');
  try {
    ftruncateSync(fd, 0);
    writeSync(fd, end.slice(end.indexOf('\n') + 1), 0);
  } finally {
    closeSync(fd);
  }
}

function endOf(path: string): string {
  const fd = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(kKeptLogBytes);
    const from = Math.max(0, statSync(path).size - bytes.length);
    return bytes.toString('utf8', 0, readSync(fd, bytes, 0, bytes.length, from));
  } finally {
    closeSync(fd);
  }
}
