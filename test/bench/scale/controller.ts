/** The real controller as a process of its own, what it costs, and its Networking API. */
import { once } from 'node:events';
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '../commands.js';
import { nowMs } from './messages.js';

const kPort = 9696;
const kStartMs = 120_000;
const kTicksPerSecond = 100;

export class ControllerProcess {
  #child: ChildProcess | undefined;
  readonly #connections = new Agent({ keepAlive: true });

  constructor(private readonly folder: string) {}

  get address(): string { return `unix:${join(this.folder, 'controller.sock')}`; }

  get stateDir(): string { return join(this.folder, 'state'); }

  /** Answers with how long it took until the API answers. */
  async start(): Promise<number> {
    const beganMs = nowMs();
    this.#child = spawn(process.execPath, [
      join(root, 'dist/cli/main.js'), 'controller', '--api', `127.0.0.1:${kPort}`,
    ], { env: { ...process.env, DVR_RUN_DIR: this.folder, DVR_STATE_DIR: this.stateDir }, stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    this.#child.stderr?.on('data', (chunk: Buffer) => { said = (said + chunk.toString()).slice(-4000); });
    while (nowMs() - beganMs < kStartMs) {
      if (this.#child.exitCode !== null) throw new Error(`the controller has ended: ${said}`);
      if (await this.ask('GET', '/v2.0/').then(() => true, () => false)) return nowMs() - beganMs;
      await sleep(5);
    }
    throw new Error('the controller does not answer');
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  /** MiB that it has in memory now, and at most so far. */
  memory(): { readonly nowMib: number; readonly mostMib: number } {
    const text = readFileSync(`/proc/${this.#child?.pid}/status`, 'utf8');
    const mib = (field: string): number => Math.round(Number(new RegExp(`${field}:\\s+(\\d+)`).exec(text)?.[1] ?? 0) / 1024);
    return { nowMib: mib('VmRSS'), mostMib: mib('VmHWM') };
  }

  /** Seconds of CPU time so far, all its threads together. */
  cpuSeconds(): number {
    const fields = readFileSync(`/proc/${this.#child?.pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ');
    return (Number(fields[11]) + Number(fields[12])) / kTicksPerSecond;
  }

  /** @throws with the body where the answer is an error. */
  ask<Answer>(method: string, path: string, body?: unknown): Promise<Answer> {
    return new Promise((done, failed) => {
      const headers = body === undefined ? {} : { 'content-type': 'application/json' };
      const sent = request({ host: '127.0.0.1', port: kPort, method, path, headers, agent: this.#connections }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => { text += chunk.toString(); });
        response.on('end', () => {
          if ((response.statusCode ?? 500) >= 300) failed(new Error(`${method} ${path}: ${response.statusCode} ${text.slice(0, 500)}`));
          else done(JSON.parse(text) as Answer);
        });
      });
      sent.on('error', failed);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}
