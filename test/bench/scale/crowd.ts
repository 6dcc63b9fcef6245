/** All simulated agents, in a few processes. */
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { AgentPlace, Order, Told } from './messages.js';

const kProcesses = 4;
const kPatienceMs = 300_000;

/** A change, as it came to the agents that must know of it. */
export interface Arrivals {
  /** Of the agent of the port's own node. */
  readonly ownMs: number;
  /** Of the last agent that must know. */
  readonly lastMs: number;
  readonly count: number;
}

export class Crowd {
  readonly #processes: readonly ChildProcess[];
  readonly #listeners = new Set<(told: Told, from: number) => void>();

  constructor() {
    const program = fileURLToPath(new URL('agents.js', import.meta.url));
    this.#processes = Array.from({ length: kProcesses }, () => fork(program, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] }));
    this.#processes.forEach((child, from) => {
      child.on('message', (told: Told) => { for (const listener of [...this.#listeners]) listener(told, from); });
    });
  }

  /** Returns when all are connected and have their views; answers with when that was, and with the bytes of all views. */
  async start(address: string, places: readonly AgentPlace[]): Promise<{ readonly atMs: number; readonly bytes: number }> {
    const whole = this.allWhole();
    this.#processes.forEach((child, at) => {
      child.send({ order: 'start', address, agents: places.filter((_, nth) => nth % kProcesses === at) } satisfies Order);
    });
    return await whole;
  }

  /** The moment at which each agent has got a whole view of a new connection. */
  async allWhole(): Promise<{ readonly atMs: number; readonly bytes: number }> {
    let [left, atMs, bytes] = [kProcesses, 0, 0];
    await this.#until('all agents have their view', (told) => {
      if (told.told !== 'whole') return false;
      [atMs, bytes] = [Math.max(atMs, told.atMs), bytes + told.bytes];
      return --left === 0;
    });
    return { atMs, bytes };
  }

  reconnect(): void { this.#order({ order: 'reconnect' }); }

  /** Runs `change`, which makes the port on the node, and answers when it came to all that know the network. */
  async follow(network: string, port: string, node: string, change: () => Promise<void>): Promise<Arrivals> {
    let [asked, knowing, count, ownMs, lastMs] = [kProcesses, 0, 0, 0, 0];
    const watching = this.#until('all agents watch', (told) => {
      if (told.told === 'watching') [asked, knowing] = [asked - 1, knowing + told.knowing];
      return asked === 0;
    });
    this.#order({ order: 'watch', network, port });
    await watching;
    const arrived = this.#until(`port ${port} is with all that must know`, (told) => {
      if (told.told !== 'seen' || told.port !== port) return false;
      if (told.node === node) ownMs = told.atMs;
      lastMs = Math.max(lastMs, told.atMs);
      return ++count === knowing;
    });
    await Promise.all([change(), arrived]);
    return { ownMs, lastMs, count };
  }

  close(): void { for (const child of this.#processes) child.kill('SIGKILL'); }

  #order(order: Order): void { for (const child of this.#processes) child.send(order); }

  #until(what: string, isIt: (told: Told) => boolean): Promise<void> {
    return new Promise((done, failed) => {
      const end = (): void => { clearTimeout(timer); this.#listeners.delete(listen); };
      const listen = (told: Told): void => { if (isIt(told)) { end(); done(); } };
      const timer = setTimeout(() => { end(); failed(new Error(`not within ${kPatienceMs / 1000} s: ${what}`)); }, kPatienceMs);
      this.#listeners.add(listen);
    });
  }
}
