/** A `dvr controller` of its own, with a socket and a door for clients, for tests that run several. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const kStartMs = 30_000;

export interface Answer { readonly status: number; readonly body: unknown }

export class ControllerProcess {
  private readonly folder = mkdtempSync(join(tmpdir(), 'dvr-controller-'));
  private process: ChildProcess | undefined;
  private log = '';

  private constructor(private readonly args: readonly string[]) {}

  static async start(...args: string[]): Promise<ControllerProcess> {
    const controller = new ControllerProcess(args);
    await controller.run();
    return controller;
  }

  get socketPath(): string { return join(this.folder, 'run', 'controller.sock'); }

  /** Also again, after it was killed. */
  async run(): Promise<void> {
    this.log = '';
    const env = { ...process.env, DVR_RUN_DIR: join(this.folder, 'run'), DVR_STATE_DIR: join(this.folder, 'state') };
    this.process = spawn('setpriv', ['--pdeathsig', 'KILL', process.execPath, main, 'controller', ...this.args], { env, stdio: ['ignore', 'ignore', 'pipe'] });
    this.process.stderr?.on('data', (chunk: Buffer) => { this.log = (this.log + chunk.toString()).slice(-100_000); });
    const deadline = performance.now() + kStartMs;
    while (!this.log.includes('controller is ready')) {
      if (performance.now() > deadline || this.process.exitCode !== null) throw new Error(`the controller does not start: ${this.log}`);
      await sleep(20);
    }
  }

  async kill(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    const { process } = this;
    this.process = undefined;
    if (process === undefined || process.exitCode !== null || process.signalCode !== null) return;
    const gone = once(process, 'exit');
    process.kill(signal);
    await gone;
  }

  async end(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true });
  }

  ask(method: string, path: string, text?: string, type?: string): Promise<Answer> {
    return ask(this.socketPath, method, path, text, type);
  }
}

/** Asks one of the APIs at a controller's socket; `text` is sent as it is. */
export function ask(socketPath: string, method: string, path: string, text?: string, type = 'application/json'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = text === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(text) };
    const asked = request({ socketPath, method, path, headers }, (answer) => {
      let all = '';
      answer.on('data', (chunk: Buffer) => { all += chunk.toString(); });
      answer.on('end', () => {
        const isJson = answer.headers['content-type']?.includes('json') === true;
        resolve({ status: answer.statusCode ?? 0, body: isJson ? JSON.parse(all) as unknown : all });
      });
    });
    asked.on('error', reject);
    asked.end(text);
  });
}
