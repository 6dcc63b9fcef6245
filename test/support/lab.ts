/**
 * Helpers for tests that need a lab: bring it up, run things inside, capture, probe. Only for tests
 * that run under scripts/isolated, where nothing they leave can leak out of.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll } from 'vitest';
import { placePrefix } from '../../src/lab/exec.js';
import { requireRecord } from '../../src/lab/record.js';
import { mainFile } from '../../src/lab/scripts.js';
import { type CapturedPacket, readPcap } from '../../src/trace/pcap.js';

export interface Ran { readonly code: number; readonly stdout: string; readonly stderr: string }

export interface ProbeResult {
  readonly sent: number;
  readonly received: number;
  readonly lost: number;
  readonly lostNumbers: readonly number[];
  /** Most probes lost one after the other. */
  readonly longestLostRun: number;
  /** Number of the last lost probe, -1 where none is. */
  readonly lastLost: number;
  readonly worstMs: number;
}

export interface Probing {
  /** When the last answer has come, or is late. */
  readonly result: Promise<ProbeResult>;
}

export interface Capture {
  /** Ends the capture and answers with what it saw, in order. */
  stop(): Promise<CapturedPacket[]>;
  /** Once it has ended: how many packets passed that it had no room for. */
  readonly missed: () => number;
}

/** A lab with nodes, VMs and the controller; `place` is a name that `dvr lab exec` takes. */
export interface Lab {
  /** Runs `dvr` with these arguments on the machine. */
  dvr(...args: string[]): Promise<Ran>;
  /** Runs a command at a place; a code that is not 0 is an answer, not a failure. */
  exec(place: string, argv: readonly string[], options?: { timeoutMs?: number }): Promise<Ran>;
  /** Pings and answers with how many replies came. */
  ping(from: string, address: string, options?: { count?: number; args?: readonly string[] }): Promise<number>;
  /** @param bytes of each packet are kept; with fewer, more packets fit in while they come fast. */
  startCapture(place: string, device: string, filter?: string, bytes?: number): Promise<Capture>;
  /** Starts a long command at a place, ready when it prints "ready" anywhere; ended with the lab at the latest. */
  start(place: string, argv: readonly string[]): Promise<ChildProcess>;
  /** Echo at `to`, prober at `from`: `count` datagrams, one each `intervalMs`. Answers once the first is sent. */
  startProbes(from: string, to: string, address: string, options: { count: number; intervalMs?: number }): Promise<Probing>;
}

const kExecMs = 30_000;
/** A lab of three nodes takes about three seconds; a busy machine ten times that. */
const kUpMs = 90_000;
/** Within this time the dataplane sees a new packet socket (it looks every 250 ms), and a capture everything that was sent. */
const kSettleMs = 400;
const kProbePort = 7007;
/** The largest super-frame. */
const kWholeBytes = 65_600;
/** Room for a burst: tcpdump reserves a whole snapshot for each packet. */
const kCaptureKib = '8192';
const support = fileURLToPath(new URL('.', import.meta.url));

/** Breaks something, looks, and mends it again whatever happened meanwhile. */
export async function whileBroken<T>(
  breaks: () => Promise<unknown>, mends: () => Promise<unknown>, look: () => Promise<T>,
): Promise<T> {
  await breaks();
  try {
    return await look();
  } finally {
    await mends();
  }
}

/**
 * Brings a lab up before the tests of the `describe` it is called in, and down after them.
 * @param options of `dvr lab up`.
 *
 * @example
 * const lab = withLab();
 * it('pings', async () => { expect(await lab.ping('vm1', '10.2.0.12')).toBe(3); });
 */
export function withLab(topologyText?: string, options: readonly string[] = []): Lab {
  const children = new Set<ChildProcess>();
  const scratch = mkdtempSync(join(tmpdir(), 'dvr-lab-'));
  beforeAll(async () => {
    refuseOutside();
    const file = join(scratch, 'topology.yaml');
    if (topologyText !== undefined) writeFileSync(file, topologyText);
    mustBeZero(await dvr('lab', 'up', ...options, ...(topologyText === undefined ? [] : [file])));
  }, kUpMs);
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    const ran = await dvr('lab', 'down');
    rmSync(scratch, { recursive: true, force: true });
    mustBeZero(ran);
  }, kUpMs);
  return labOf(children, scratch);
}

function labOf(children: Set<ChildProcess>, scratch: string): Lab {
  let captures = 0;
  const start = async (place: string, argv: readonly string[]): Promise<ChildProcess> => {
    const child = spawnAt(place, argv);
    children.add(child);
    await untilLine(child, 'ready');
    return child;
  };
  return {
    dvr,
    exec,
    ping: async (from, address, { count = 3, args = [] } = {}) => {
      const { stdout } = await exec(from, ['ping', '-c', String(count), '-i', '0.2', '-W', '2', ...args, address]);
      return Number(/(\d+) received/.exec(stdout)?.[1] ?? 0);
    },
    startCapture: async (place, device, filter = '', bytes = kWholeBytes) => {
      const file = join(scratch, `capture-${captures++}.pcap`);
      const child = spawnAt(place, ['tcpdump', '-U', '-n', '--immediate-mode', '-Z', 'root', '-s', `${bytes}`,
        '-B', kCaptureKib, '-w', file, '-i', device, ...filter.split(' ').filter((word) => word !== '')]);
      children.add(child);
      let said = '';
      child.stderr?.on('data', (chunk: Buffer) => { said += chunk.toString(); });
      await untilLine(child, 'listening on');
      if (isWatched(place, device)) await sleep(kSettleMs);
      return {
        stop: () => stopCapture(child, file),
        missed: () => Number(/(\d+) packets? dropped by kernel/.exec(said)?.[1] ?? NaN),
      };
    },
    start,
    startProbes: async (from, to, address, { count, intervalMs = 10 }) => {
      const echo = await start(to, [process.execPath, join(support, 'echo.mjs'), String(kProbePort)]);
      const prober = spawnAt(from, [process.execPath, join(support, 'prober.mjs'), address, String(kProbePort), String(count), String(intervalMs)]);
      children.add(prober);
      const result = probeResult(prober).finally(() => { echo.kill('SIGKILL'); });
      await untilLine(prober, 'ready');
      return { result };
    },
  };
}

/** Whether the dataplane or an agent has to see that somebody looks, before there is anything to be seen. */
const isWatched = (place: string, device: string): boolean => device.startsWith('br-') || /-(qrouter|snat|fip)-/.test(place);

async function stopCapture(child: ChildProcess, file: string): Promise<CapturedPacket[]> {
  await sleep(kSettleMs);
  const exited = new Promise((resolve) => { child.once('exit', resolve); });
  child.kill('SIGINT');
  await exited;
  return readPcap(file);
}

async function probeResult(prober: ChildProcess): Promise<ProbeResult> {
  for await (const line of createInterface({ input: prober.stdout ?? process.stdin })) {
    if (line.startsWith('{')) return JSON.parse(line) as ProbeResult;
  }
  throw new Error('the prober ended without a result');
}

function spawnAt(place: string, argv: readonly string[]): ChildProcess {
  const [file = '', ...args] = [...placePrefix(requireRecord(), place), ...argv];
  // Dies with this process, also when the test runner kills it for being late.
  return spawn('setpriv', ['--pdeathsig', 'KILL', file, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Waits until the child says the word, on stdout or stderr. */
async function untilLine(child: ChildProcess, word: string): Promise<void> {
  let said = '';
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        if (said.includes(word)) resolve();
      });
    }
    child.once('error', reject);
    child.once('exit', () => { reject(new Error(`ended before it said "${word}": ${said}`)); });
  });
}

function exec(place: string, argv: readonly string[], options: { timeoutMs?: number } = {}): Promise<Ran> {
  const [file = '', ...args] = [...placePrefix(requireRecord(), place), ...argv];
  return run(file, args, options.timeoutMs ?? kExecMs);
}

export function dvr(...args: string[]): Promise<Ran> {
  return run(process.execPath, [mainFile, ...args], kUpMs);
}

export function run(file: string, args: readonly string[], timeoutMs: number): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(file, args, { timeout: timeoutMs, encoding: 'utf8', maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 255;
      resolve({ code, stdout, stderr });
    });
  });
}

function mustBeZero(ran: Ran): void {
  if (ran.code !== 0) throw new Error(`exit ${ran.code}\n${ran.stdout}\n${ran.stderr}`);
}

/** A lab of a test must never be the lab of the person who runs the tests. */
function refuseOutside(): void {
  if (existsSync('/run/dvr/lab.json')) throw new Error('a lab is up here: run this under scripts/isolated');
}
