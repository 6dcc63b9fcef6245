/** Elections of several nodes in one process, on a wire and a clock of their own: what may be lost is chosen by the test. */
import { kLeaseMs, kRoundMs, type Ballot } from '../../../../src/agents/snat/ballot.js';
import { Election } from '../../../../src/agents/snat/election.js';

interface Letter { readonly atMs: number; readonly from: string; readonly to: string; readonly ballot: Ballot }

export interface Machine {
  election: Election;
  readonly offers: number[];
  /** Its gates pass packets before that. */
  gateUntilMs: number;
  isAlive: boolean;
  isFit: boolean;
  /** How late it begins its rounds: nodes are not as one. */
  readonly skewMs: number;
  winner: string | undefined;
}

export const kStepMs = 5;

export class SimulatedCloud {
  nowMs = 10_000;
  readonly machines = new Map<string, Machine>();
  #letters: Letter[] = [];
  /** Whether what is sent from one to the other arrives, and how long it takes. */
  passes: (from: string, to: string) => boolean = () => true;
  delayMs: () => number = () => 1;
  /** Every moment at which two nodes' gates were open. */
  readonly doubles: string[] = [];

  constructor(readonly nodes: readonly string[], readonly candidates: readonly string[]) {
    for (const [index, node] of nodes.entries()) this.start(node, index * 7);
  }

  /** Starts a node's process: anew, it knows nothing of before. */
  start(node: string, skewMs = this.machines.get(node)?.skewMs ?? 0): void {
    const machine: Machine = {
      offers: [], gateUntilMs: this.machines.get(node)?.gateUntilMs ?? 0, isAlive: true, isFit: true, skewMs, winner: undefined,
      election: new Election(node, { router: 'r1', candidates: this.candidates, voters: this.nodes, listeners: [] }, {
        send: (to, ballot) => {
          for (const other of to) this.#letters.push({ atMs: this.nowMs + (other === node ? 0 : this.delayMs()), from: node, to: other, ballot });
        },
        holdGates: (_router, untilMs) => { machine.gateUntilMs = untilMs; return Promise.resolve(); },
        elected: (_router, winner) => { machine.winner = winner; },
        offerAt: (_router, ms) => { machine.offers.push(ms); },
      }, this.nowMs + kLeaseMs),
    };
    this.machines.set(node, machine);
  }

  machine(node: string): Machine {
    const found = this.machines.get(node);
    if (found === undefined) throw new Error(`there is no ${node}`);
    return found;
  }

  kill(node: string): void { this.machine(node).isAlive = false; }

  /** Whose gates are open. */
  get open(): string[] {
    return [...this.machines].filter(([, { gateUntilMs }]) => this.nowMs < gateUntilMs).map(([node]) => node);
  }

  async run(ms: number): Promise<void> {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; this.nowMs += kStepMs) await this.#step();
  }

  /** How long it takes until only this node's gates are open. */
  async until(node: string, atMostMs: number): Promise<number> {
    const beganMs = this.nowMs;
    while (this.open.join(' ') !== node) {
      if (this.nowMs - beganMs > atMostMs) throw new Error(`${node} is not at work after ${String(atMostMs)} ms, but: ${this.open.join(' ')}`);
      await this.run(kStepMs);
    }
    return this.nowMs - beganMs;
  }

  async #step(): Promise<void> {
    const due = this.#letters.filter(({ atMs }) => atMs <= this.nowMs);
    this.#letters = this.#letters.filter(({ atMs }) => atMs > this.nowMs);
    for (const { from, to, ballot } of due) {
      const machine = this.machine(to);
      if (machine.isAlive && (from === to || this.passes(from, to))) machine.election.hear(ballot, this.nowMs);
    }
    for (const [node, machine] of this.machines) {
      if (!machine.isAlive) continue;
      for (const at of machine.offers.splice(0)) {
        if (at <= this.nowMs) machine.election.offer(this.nowMs);
        else machine.offers.push(at);
      }
      const isRound = Math.floor((this.nowMs - machine.skewMs) / kStepMs) % (kRoundMs / kStepMs) === 0;
      if (isRound && this.candidates.includes(node)) void machine.election.round(this.nowMs, machine.isFit);
    }
    // Gates close, and votes are given back after them, within the step.
    for (let turn = 0; turn < 5; ++turn) await Promise.resolve();
    if (this.open.length > 1) this.doubles.push(`${String(this.nowMs)}: ${this.open.join(' and ')}`);
  }
}
