/**
 * One router's election at one node: its vote, its candidacy where it is a network node that has the SNAT namespace
 * ready, and what it knows of the winner. Pure but for what it is given to act with.
 *
 *       nn1 ──ask──▶ cn1, cn2, nn2, itself        each round
 *       nn1 ◀─vote── cn1, cn2, nn2                a majority: gates held open until the leases' end
 *       nn1 ─release▶ …                           its gateway is silent: gates closed first
 *
 * The one that loses withdraws before another can win: its gates close by themselves when its leases end, and
 * only then are its votes given to another.
 */
import { kFreshMs, kPatientEvery, kRoundMs, type Ask, type Ballot, type Vote } from './ballot.js';
import { Candidate } from './candidate.js';
import { Voter } from './voter.js';

/** A router that several nodes could do the source NAT of, as this node sees it. */
export interface Electorate {
  readonly router: string;
  /** The preferred first. */
  readonly candidates: readonly string[];
  /** Whose votes count, and who else is to know who won: candidates need both, nobody else does. */
  readonly voters: readonly string[];
  readonly listeners: readonly string[];
}

export interface Acts {
  readonly send: (to: readonly string[], ballot: Ballot) => void;
  /** Holds the router's gates open until then; 0 closes them, and is done when nothing passes any more. */
  readonly holdGates: (router: string, untilMs: number) => Promise<void>;
  /** Who is at work has changed. */
  readonly elected: (router: string, node: string) => void;
  /** Asks to be told when the time has come: `offer()`. */
  readonly offerAt: (router: string, ms: number) => void;
}

/** How many rounds apart those are told who have no vote. */
const kListenersEvery = 4;
/** So long whose gateway has fallen silent at work, or who gives way, does not ask for votes. */
const kGiveWayMs = 2000;
/** So long the memory of a winner stands against one with a lower term: all who knew it may have restarted. */
const kForgetMs = 2000;

export class Election {
  readonly #voter: Voter;
  #candidate: Candidate | undefined;
  #winner: { readonly node: string; readonly term: number; readonly heardMs: number } | undefined;
  #round = 0;
  #askedMs = 0;
  /** What the gates were last told. */
  #heldUntilMs = 0;
  #closing: Promise<void> | undefined;

  constructor(
    private readonly self: string, private electorate: Electorate, private readonly acts: Acts, voteFromMs: number,
  ) {
    this.#voter = new Voter(electorate.candidates, voteFromMs);
    this.setElectorate(electorate, voteFromMs);
  }

  get winner(): string | undefined { return this.#winner?.node; }
  get isActive(): boolean { return this.#candidate?.isActive === true; }
  get term(): number { return this.#winner?.term ?? 0; }

  /** Who is newly preferred, by somebody's wish, is given way to. */
  setElectorate(electorate: Electorate, nowMs: number): void {
    const [preferred] = electorate.candidates;
    const isMoved = preferred !== this.electorate.candidates[0] && preferred !== this.self;
    this.electorate = electorate;
    this.#voter.setCandidates(electorate.candidates);
    const rank = electorate.candidates.indexOf(this.self);
    if (this.isActive && (isMoved || rank < 0)) void this.withdraw(nowMs, kGiveWayMs);
    if (rank < 0) {
      this.#candidate = undefined;
    } else if (this.#candidate === undefined) {
      this.#candidate = new Candidate(electorate.router, this.self, rank, electorate.voters);
    } else {
      this.#candidate.setElectorate(rank, electorate.voters);
    }
  }

  /** The dataplane is another one: it must be told anew. */
  forgetGates(): void { this.#heldUntilMs = 0; }

  /** Once a round. @param isFit whether the gateway answers this node. */
  async round(nowMs: number, isFit: boolean): Promise<void> {
    const candidate = this.#candidate;
    if (candidate === undefined || this.#closing !== undefined) return;
    this.#look(nowMs);
    if (!isFit) {
      // Who has failed at work would fail again: another is given the time to take over.
      if (candidate.holds(nowMs)) await this.withdraw(nowMs, candidate.isActive ? kGiveWayMs : 0);
      return;
    }
    if (candidate.isStuck(nowMs)) {
      await this.withdraw(nowMs);
      return;
    }
    const round = this.#round++;
    const isInHand = this.winner !== this.self && nowMs - (this.#winner?.heardMs ?? 0) < kFreshMs;
    if (!isInHand || round % kPatientEvery === 0) this.#ask(candidate, nowMs, round % kListenersEvery === 0);
  }

  hear(ballot: Ballot, nowMs: number): void {
    if (ballot.type === 'ask') this.#hearAsk(ballot, nowMs);
    else if (ballot.type === 'vote') this.#hearVote(ballot, nowMs);
    else {
      this.#voter.release(ballot.from);
      this.offer(nowMs);
    }
  }

  /** Gives the vote that has become free to who waits for it. */
  offer(nowMs: number): void {
    const ask = this.#voter.offer(nowMs);
    if (ask !== undefined) this.#answer(ask);
  }

  /** Closes the gates, and gives the votes back when they are closed. */
  async withdraw(nowMs: number, pauseMs?: number): Promise<void> {
    const candidate = this.#candidate;
    if (candidate === undefined) return;
    const { router, voters } = this.electorate;
    candidate.release(nowMs, pauseMs);
    this.#heldUntilMs = 0;
    this.#closing = this.acts.holdGates(router, 0).finally(() => { this.#closing = undefined; });
    await this.#closing;
    this.acts.send(voters, { type: 'release', router, from: this.self });
  }

  #ask(candidate: Candidate, nowMs: number, toAll: boolean): void {
    const ask = candidate.ask(nowMs);
    if (ask === undefined || this.#closing !== undefined) return;
    this.#askedMs = nowMs;
    const { voters, listeners } = this.electorate;
    this.acts.send(toAll ? [...voters, ...listeners] : voters, ask);
  }

  #hearAsk(ask: Ask, nowMs: number): void {
    if (!this.electorate.candidates.includes(ask.from)) return;
    if (ask.active) this.#hearOfWinner(ask.from, ask.term, nowMs);
    if (this.#voter.hear(ask, nowMs) === ask.from) this.#answer(ask);
    const offerAtMs = this.#voter.offerAtMs(nowMs);
    if (offerAtMs !== undefined) this.acts.offerAt(this.electorate.router, offerAtMs);
  }

  #answer(ask: Ask): void {
    const { router } = this.electorate;
    const term = Math.max(this.#voter.term, this.term);
    this.acts.send([ask.from], { type: 'vote', router, from: this.self, choice: ask.from, term, sentMs: ask.sentMs });
  }

  #hearVote(vote: Vote, nowMs: number): void {
    const candidate = this.#candidate;
    if (candidate === undefined) return;
    candidate.count(vote, nowMs);
    this.#look(nowMs);
    // Offered unasked, a vote is as old as the ask that it answers: one more ask makes the most of it.
    if (!candidate.isActive && nowMs - this.#askedMs > kRoundMs / 4) this.#ask(candidate, nowMs, false);
  }

  /** Wins, goes on, or has lost. */
  #look(nowMs: number): void {
    const candidate = this.#candidate;
    if (candidate === undefined || this.#closing !== undefined) return;
    const turn = candidate.turn(nowMs);
    if (candidate.isActive && candidate.untilMs > this.#heldUntilMs) {
      this.#heldUntilMs = candidate.untilMs;
      void this.acts.holdGates(this.electorate.router, candidate.untilMs);
    }
    if (turn !== 'won') return;
    this.#hearOfWinner(this.self, candidate.term, nowMs);
    this.#ask(candidate, nowMs, true);
  }

  #hearOfWinner(node: string, term: number, nowMs: number): void {
    const before = this.#winner;
    const isNews = before === undefined || term >= before.term || nowMs - before.heardMs > kForgetMs;
    if (!isNews) return;
    this.#winner = { node, term, heardMs: nowMs };
    if (before?.node !== node) this.acts.elected(this.electorate.router, node);
    // Never both: it cannot be, but a wrong clock or a changed electorate must not make it so.
    if (node !== this.self && this.isActive) void this.withdraw(nowMs);
  }
}
