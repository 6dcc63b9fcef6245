/**
 * A network node that may do a router's source NAT: asks for votes while it is fit, and is at work while it
 * holds a majority of them. Pure: time comes in as an argument, and is this node's own.
 */
import { kGuardMs, kLeaseMs, kRoundMs, type Ask, type Vote } from './ballot.js';

/** So long a candidate keeps votes that are too few, before it lets another try. */
const kPatienceMs = 3 * kRoundMs;
/** And so long it then lets each that is preferred to it. */
const kPauseMs = 2 * kRoundMs;

/** What has become of it. */
export type Turn = 'won' | 'lost' | undefined;

export class Candidate {
  /** By voter, until when its promise holds. */
  readonly #votes = new Map<string, number>();
  #term = 0;
  #isActive = false;
  #fewSinceMs: number | undefined;
  #silentUntilMs = 0;
  /** Answers to asks from before do not count: their votes have been given back. */
  #countFromMs = 0;

  /** @param rank 0: the preferred one. */
  constructor(
    private readonly router: string, private readonly self: string,
    private rank: number, private voters: readonly string[],
  ) {}

  get isActive(): boolean { return this.#isActive; }
  get term(): number { return this.#term; }

  setElectorate(rank: number, voters: readonly string[]): void {
    this.rank = rank;
    this.voters = voters;
  }

  ask(nowMs: number): Ask | undefined {
    if (nowMs < this.#silentUntilMs) return undefined;
    return { type: 'ask', router: this.router, from: this.self, active: this.#isActive, term: this.#term, sentMs: nowMs };
  }

  count({ from, choice, term, sentMs }: Vote, nowMs: number): void {
    if (sentMs > nowMs || sentMs < this.#countFromMs || !this.voters.includes(from)) return;
    if (!this.#isActive) this.#term = Math.max(this.#term, term);
    if (choice === this.self) this.#votes.set(from, Math.max(sentMs + kLeaseMs - kGuardMs, this.#votes.get(from) ?? 0));
  }

  /** Until when a majority has promised its votes: before that nobody else can have one. */
  get untilMs(): number {
    const needed = Math.floor(this.voters.length / 2) + 1;
    const held = this.voters.flatMap((voter) => this.#votes.get(voter) ?? []).sort((left, right) => right - left);
    return held[needed - 1] ?? 0;
  }

  /** Whether anybody has promised it a vote. */
  holds(nowMs: number): boolean { return [...this.#votes.values()].some((untilMs) => nowMs < untilMs); }

  /** Looks whether it is at work still, or has become so. */
  turn(nowMs: number): Turn {
    const has = nowMs < this.untilMs;
    if (has === this.#isActive) return undefined;
    this.#isActive = has;
    this.#fewSinceMs = undefined;
    if (has) this.#term += 1;
    return has ? 'won' : 'lost';
  }

  /** Whether to give back votes that have been too few for too long. The preferred one asks again at once. */
  isStuck(nowMs: number): boolean {
    if (this.#isActive || !this.holds(nowMs)) this.#fewSinceMs = undefined;
    else this.#fewSinceMs ??= nowMs;
    return this.#fewSinceMs !== undefined && nowMs - this.#fewSinceMs >= kPatienceMs;
  }

  /** Gives all votes back. @param pauseMs so long it does not ask again. */
  release(nowMs: number, pauseMs = this.rank * kPauseMs): void {
    this.#votes.clear();
    this.#isActive = false;
    this.#fewSinceMs = undefined;
    this.#countFromMs = nowMs;
    this.#silentUntilMs = nowMs + pauseMs;
  }
}
