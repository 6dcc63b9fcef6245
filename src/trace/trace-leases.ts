/**
 * The traces of all nodes, taken for one walk and given back. A node traces for one walk at a time
 * (agents/trace-lease.ts), so a walk that meets another one waits for its turn.
 *
 * Nodes are taken in the order of their names, and none is kept while waiting: of any number of walks
 * one always gets all it wants.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { DvrError } from '../model/errors.js';
import type { Cluster } from './cluster.js';

/** Outlasts the lease of a walk that was killed (5 s). */
const kPatienceMs = 6000;
/** Half to one and a half of it, so that those who wait do not meet again. */
const kRetryMs = 100;
/** A node that does not hear that it is given back ends the lease by itself. */
const kReleaseMs = 1000;

export interface LeaseOptions {
  /** Ends the waiting: nothing is taken any more, and what is taken can be given back. */
  readonly signal?: AbortSignal;
  readonly patienceMs?: number;
}

export class TraceLeases {
  readonly #held = new Set<string>();

  constructor(
    private readonly cluster: Cluster, private readonly marker: string,
    private readonly options: LeaseOptions = {},
  ) {}

  /**
   * Takes all of the nodes; answers which of them were silent and are not taken.
   * @throws DVR_CONFLICT where other walks do not end.
   */
  async take(nodes: readonly string[]): Promise<string[]> {
    const { patienceMs = kPatienceMs, signal } = this.options;
    const deadline = performance.now() + patienceMs;
    const silent = new Set<string>();
    for (;;) {
      const busy = await this.#takeInOrder(nodes.filter((node) => !silent.has(node)).sort(), silent);
      if (busy === undefined) return [...silent];
      await this.release();
      if (performance.now() >= deadline) throw busy;
      await sleep(kRetryMs * (0.5 + Math.random()), undefined, { signal });
    }
  }

  /** Gives back what is taken, but for nodes that answer nothing. */
  async release(silent: ReadonlySet<string> = new Set()): Promise<void> {
    const nodes = [...this.#held].filter((node) => !silent.has(node));
    this.#held.clear();
    const params = { marker: null, release: this.marker };
    const released = nodes.map((node) =>
      this.cluster.nodeCall(node, 'setTrace', params).catch(() => undefined));
    await Promise.race([Promise.all(released), sleep(kReleaseMs, undefined, { ref: false })]);
  }

  /** Answers with the refusal of the first node that is busy. */
  async #takeInOrder(nodes: readonly string[], silent: Set<string>): Promise<DvrError | undefined> {
    for (const node of nodes) {
      this.options.signal?.throwIfAborted();
      // Before it is answered: who is interrupted meanwhile gives it back all the same.
      this.#held.add(node);
      try {
        await this.cluster.nodeCall(node, 'setTrace', { marker: this.marker });
      } catch (error) {
        this.#held.delete(node);
        if (isSilence(error)) silent.add(node);
        else if (error instanceof DvrError && error.code === 'DVR_CONFLICT') return error;
        else throw error;
      }
    }
    return undefined;
  }
}

const silences: readonly string[] = [
  'DVR_NODE_UNREACHABLE', 'DVR_DATAPLANE_UNREACHABLE', 'DVR_TIMEOUT',
];

/** Whether the error says that a node does not answer; anything else is to be told. */
export function isSilence(error: unknown): boolean {
  return error instanceof DvrError && silences.includes(error.code);
}
