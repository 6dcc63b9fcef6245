/**
 * The only hands of the bench: runs and starts programs, inside namespaces or not, never through a shell.
 * Whatever it started ends with `close()`, and at the latest with the pid namespace of scripts/isolated.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Top of the checkout, seen from build-bench/js/test/bench. */
export const root = fileURLToPath(new URL('../../../../', import.meta.url));
export const toolsDir = `${root}build-bench/tools/`;
/** Longer than any single command takes, a lab included, on a busy machine. */
const kTimeoutMs = 120_000;
/** For what runs as long as the bench: the longest that a timer takes, 24 days. */
export const kNoTimeout = 2 ** 31 - 1;
/** What is asked to end gets this long before it is killed. */
const kEndMs = 3000;

export interface Ran { readonly code: number; readonly stdout: string; readonly stderr: string }

export interface Running {
  readonly pid: number;
  /** What it printed, once it has ended by itself. @throws if it failed. */
  readonly output: Promise<string>;
  stop(): Promise<void>;
}

export interface StartOptions {
  /** Started once this word is on stdout or stderr; without it, at once. */
  readonly ready?: string;
  readonly timeoutMs?: number;
}

/** A command inside the network namespace with this name in /run/netns. */
export const inside = (namespace: string, ...argv: readonly string[]): string[] =>
  ['nsenter', `--net=/run/netns/${namespace}`, '--', ...argv];

export class Commands {
  readonly #children = new Set<ChildProcess>();

  /** @param signal ends every child when it is aborted. */
  constructor(readonly signal: AbortSignal) {
    signal.addEventListener('abort', () => { void this.close(); });
  }

  /** Runs to the end. @throws with what it said if its code is not 0. */
  async run(argv: readonly string[], timeoutMs = kTimeoutMs): Promise<string> {
    const ran = await this.try(argv, timeoutMs);
    if (ran.code !== 0) throw new Error(failure(argv, ran));
    return ran.stdout;
  }

  /** Runs to the end; a code that is not 0 is an answer. */
  try(argv: readonly string[], timeoutMs = kTimeoutMs): Promise<Ran> {
    this.signal.throwIfAborted();
    return gather(this.#spawn(argv), timeoutMs);
  }

  async start(
    argv: readonly string[], { ready, timeoutMs = kTimeoutMs }: StartOptions = {},
  ): Promise<Running> {
    this.signal.throwIfAborted();
    const child = this.#spawn(argv);
    const ended = gather(child, timeoutMs);
    const output = ended.then((ran) => {
      if (ran.code !== 0) throw new Error(failure(argv, ran));
      return ran.stdout;
    });
    // Nobody may be waiting for it yet when it fails.
    output.catch(() => undefined);
    if (ready !== undefined) await Promise.race([said(child, ready), output.then(() => undefined)]);
    return { pid: child.pid ?? 0, output, stop: () => end(child) };
  }

  /** Ends all that still runs; safe to call twice. */
  async close(): Promise<void> {
    await Promise.all([...this.#children].map(end));
  }

  #spawn(argv: readonly string[]): ChildProcess {
    const [file = '', ...args] = argv;
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#children.add(child);
    child.once('close', () => { this.#children.delete(child); });
    return child;
  }
}

function gather(child: ChildProcess, timeoutMs: number): Promise<Ran> {
  return new Promise((resolve, reject) => {
    let stdout = '';
    let stderr = '';
    const timer = setTimeout(() => {
      stderr += `not within ${timeoutMs} ms`;
      child.kill('SIGKILL');
    }, timeoutMs);
    child.stdout?.on('data', (chunk: Buffer) => { stdout += chunk.toString(); });
    child.stderr?.on('data', (chunk: Buffer) => { stderr += chunk.toString(); });
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({ code: code ?? 255, stdout, stderr });
    });
  });
}

function said(child: ChildProcess, word: string): Promise<void> {
  return new Promise((resolve) => {
    let text = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        if (text.includes(word)) resolve();
      });
    }
  });
}

function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => { child.kill('SIGKILL'); }, kEndMs);
    child.once('exit', () => { clearTimeout(timer); resolve(); });
    child.kill('SIGTERM');
  });
}

const failure = (argv: readonly string[], { code, stdout, stderr }: Ran): string =>
  `${argv.join(' ')}: exit ${code} ${`${stdout}${stderr}`.trim().slice(-600)}`;
