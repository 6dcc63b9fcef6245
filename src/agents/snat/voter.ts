/**
 * One node's vote on who does a router's source NAT. Pure: time comes in as an argument.
 *
 * A vote is a lease: promised for kLeaseMs, renewed by each ask of the same candidate, and given to another only
 * after that time or when it is given back. So two candidates never have a majority at one time.
 */
import { kFreshMs, kLeaseMs, kRoundMs, kWaitingMs, type Ask } from './ballot.js';

/** Before there ever was an owner nobody misses one: the preferred node may take its time to come. */
const kFirstWaitMs = 10 * kRoundMs;

interface Heard {
  readonly ask: Ask;
  readonly atMs: number;
  /** Since when it asks without a pause. */
  readonly sinceMs: number;
}

const isFresh = ({ ask, atMs }: Heard, nowMs: number): boolean => nowMs - atMs < (ask.active ? kFreshMs : kWaitingMs);

export class Voter {
  readonly #heard = new Map<string, Heard>();
  /** Who has given its vote back and not asked again: nobody waits for these. */
  readonly #gone = new Set<string>();
  #promise: { readonly to: string; readonly untilMs: number } | undefined;
  #term = 0;

  /**
   * @param candidates the preferred first.
   * @param fromMs before that it promises nothing: who has just started may have promised before.
   */
  constructor(private candidates: readonly string[], private readonly fromMs: number) {}

  get term(): number { return this.#term; }

  setCandidates(candidates: readonly string[]): void { this.candidates = candidates; }

  choice(nowMs: number): string | undefined {
    return this.#promise !== undefined && nowMs < this.#promise.untilMs ? this.#promise.to : undefined;
  }

  /** Takes an ask in; answers who has the vote now. Only the asking candidate can have got it. */
  hear(ask: Ask, nowMs: number): string | undefined {
    if (!this.candidates.includes(ask.from)) return this.choice(nowMs);
    this.#gone.delete(ask.from);
    const before = this.#heard.get(ask.from);
    const goesOn = before !== undefined && isFresh(before, nowMs);
    this.#heard.set(ask.from, { ask, atMs: nowMs, sinceMs: goesOn ? before.sinceMs : nowMs });
    this.#term = Math.max(this.#term, ask.term);
    const choice = this.choice(nowMs) ?? this.#best(nowMs)?.from;
    if (choice === ask.from) this.#promiseTo(choice, nowMs);
    return this.choice(nowMs);
  }

  /** The candidate asks no more until it asks again. */
  release(from: string): void {
    this.#heard.delete(from);
    this.#gone.add(from);
    if (this.#promise?.to === from) this.#promise = undefined;
  }

  /** When a vote is free and somebody waits it is given unasked; answers the ask that it is the answer to. */
  offer(nowMs: number): Ask | undefined {
    if (this.choice(nowMs) !== undefined) return undefined;
    const best = this.#best(nowMs);
    if (best !== undefined) this.#promiseTo(best.from, nowMs);
    return best;
  }

  /** When to offer(): the one with the vote has fallen silent and another waits for it; else nothing. */
  offerAtMs(nowMs: number): number | undefined {
    const promise = this.#promise;
    if (promise === undefined || nowMs >= promise.untilMs) return undefined;
    const isLate = nowMs - (this.#heard.get(promise.to)?.atMs ?? 0) > kRoundMs * 1.2;
    const waits = [...this.#heard.values()].some((heard) => heard.ask.from !== promise.to && isFresh(heard, nowMs));
    return isLate && waits ? promise.untilMs : undefined;
  }

  #promiseTo(to: string, nowMs: number): void { this.#promise = { to, untilMs: nowMs + kLeaseMs }; }

  /** Who is at work already goes before who would be preferred; who is less so waits for each before it. */
  #best(nowMs: number): Ask | undefined {
    if (nowMs < this.fromMs) return undefined;
    const fresh = [...this.#heard.values()].filter((heard) => isFresh(heard, nowMs));
    const waitMs = this.#term === 0 ? kFirstWaitMs : kRoundMs;
    const working = fresh.filter(({ ask }) => ask.active).sort((left, right) => right.ask.term - left.ask.term);
    const waiting = this.candidates.flatMap((name, rank) => {
      const ahead = this.candidates.slice(0, rank).filter((other) => !this.#gone.has(other)).length;
      return fresh.filter(({ ask, sinceMs }) => ask.from === name && nowMs - sinceMs >= ahead * waitMs);
    });
    return (working[0] ?? waiting[0])?.ask;
  }
}
