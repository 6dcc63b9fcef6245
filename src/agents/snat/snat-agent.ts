/**
 * The SNAT agent of a node: takes part in the elections of who does each router's source NAT, keeps the gates of
 * its own node open while it has won, and lets the node's agent know who is at work.
 *
 *     agent ==wish==> SNAT agent <==ballots, UDP on the underlay==> SNAT agents of other nodes
 *           <=elected=     ║
 *                          ║       <==connections, TCP on the underlay==> those of other network nodes
 *                          ╚==gates==> dataplane
 *
 * It needs no controller, and outlives its agent: a wish is kept until the next.
 */
import { setImmediate } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Log } from '../../dataplane/log.js';
import type { Dataplane } from '../../dataplane/interface.js';
import type { Winners } from '../../model/elected.js';
import { kLeaseMs, kRoundMs, kSnatPort, type Ballot } from './ballot.js';
import { monotonicMs } from '../../model/monotonic-clock.js';
import type { ShareIn } from './conntrack-in.js';
import type { ShareOut } from './conntrack-out.js';
import { Election, type Acts } from './election.js';
import { GatewayProof } from './gateway-proof.js';
import { Gates } from './gates.js';
import type { Post } from './post.js';
import type { Entry, SnatWish, Stand } from './wish.js';

export interface SnatAgentParts {
  /** Opens the node's end of the underlay. */
  readonly openPost: (vtepIp: string, heard: (ballots: readonly Ballot[], fromIp: string) => void) => Post;
  /** Opens both halves of sharing connections; `isPeer` tells the VTEP addresses of other nodes. */
  readonly openShare: (vtepIp: string, isPeer: (address: string) => boolean) => Share;
  readonly elected: (winners: Winners) => void;
  readonly log: Log;
}

export interface Share { readonly out: ShareOut; readonly in: ShareIn }

/** A standby whose gateway fell silent a second ago is found out when it is at work. */
const kStandbyProofEvery = 4;

interface Running { entry: Entry; readonly election: Election; proof?: GatewayProof }

export class SnatAgent {
  readonly #gates = new Gates();
  readonly #running = new Map<string, Running>();
  readonly #offers = new Map<string, NodeJS.Timeout>();
  /** Votes that this process's predecessor may have given have ended by then. */
  readonly #voteFromMs = monotonicMs() + kLeaseMs;
  #wish: SnatWish | undefined;
  #post: Post | undefined;
  #share: Share | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(private readonly parts: SnatAgentParts) {}

  get winners(): Winners {
    return Object.fromEntries([...this.#running].flatMap(([router, { election: { winner } }]) =>
      (winner === undefined ? [] : [[router, winner]])));
  }

  connect(dataplane: Pick<Dataplane, 'holdGates'> | undefined): void {
    this.#gates.connect(dataplane);
    for (const { election } of this.#running.values()) election.forgetGates();
  }

  setWish(wish: SnatWish): void {
    if (isDeepStrictEqual(wish, this.#wish)) return;
    if (wish.vtepIp !== this.#wish?.vtepIp) {
      this.#closeUnderlay();
      this.#post = this.parts.openPost(wish.vtepIp, (ballots, fromIp) => { this.#hear(ballots, fromIp); });
      this.#share = this.parts.openShare(wish.vtepIp, (address) => Object.values(this.#wish?.peers ?? {}).includes(address));
    }
    this.#wish = wish;
    this.#post?.setPeers(wish.node, wish.peers);
    const wanted = new Map(wish.entries.map((entry) => [entry.router, entry]));
    for (const router of [...this.#running.keys()]) if (!wanted.has(router)) void this.#drop(router);
    for (const entry of wanted.values()) this.#take(entry);
    this.#keepRounds();
  }

  /** Whoever is at work lets another be so, at once. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#isClosed = true;
    await Promise.all([...this.#running.keys()].map((router) => this.#drop(router)));
    // What was said last is on its way after one turn of the loop.
    await setImmediate();
    this.#closeUnderlay();
  }

  #closeUnderlay(): void {
    this.#post?.close();
    this.#share?.out.close();
    this.#share?.in.close();
  }

  #take(entry: Entry): void {
    const running = this.#running.get(entry.router);
    if (running !== undefined) {
      if (!isDeepStrictEqual(running.entry.stand?.proof, entry.stand?.proof)) this.#unprove(running);
      running.entry = entry;
      running.election.setElectorate(entry, monotonicMs());
      return;
    }
    const begun: Running = {
      entry, election: new Election(this.#wish?.node ?? '', entry, this.#actsOf(() => begun), this.#voteFromMs),
    };
    this.#running.set(entry.router, begun);
  }

  #actsOf(running: () => Running): Acts {
    return {
      send: (to, ballot) => { this.#post?.send(to, ballot); },
      holdGates: (_router, untilMs) => this.#gates.hold(running().entry.stand?.gates ?? [], untilMs),
      elected: (router, node) => {
        this.parts.log('info', 'source NAT has an owner', { router, node, term: running().election.term });
        this.#keepShared(running());
        this.parts.elected(this.winners);
      },
      offerAt: (router, ms) => { this.#offerAt(router, ms); },
    };
  }

  async #drop(router: string): Promise<void> {
    const running = this.#running.get(router);
    this.#running.delete(router);
    clearTimeout(this.#offers.get(router));
    this.#offers.delete(router);
    if (running === undefined) return;
    this.#unprove(running);
    this.#share?.out.withdraw(router);
    this.#share?.in.stop(router);
    if (running.election.isActive) await running.election.withdraw(monotonicMs());
  }

  #unprove(running: Running): void {
    running.proof?.close();
    delete running.proof;
  }

  /** All nodes of one machine begin a round together, so that it wakes once for all. */
  #keepRounds(): void {
    const isCandidate = [...this.#running.values()].some(({ entry }) => entry.stand !== undefined);
    if (!isCandidate || this.#timer !== undefined || this.#isClosed) return;
    const leftMs = kRoundMs - (monotonicMs() % kRoundMs);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#round();
      this.#keepRounds();
      // A timer may ring a moment early, and that is no round of its own.
    }, leftMs < kRoundMs / 2 ? leftMs + kRoundMs : leftMs);
  }

  #round(): void {
    const nowMs = monotonicMs();
    for (const running of this.#running.values()) {
      const { entry: { stand }, election } = running;
      if (stand === undefined) continue;
      this.#keepShared(running);
      void election.round(nowMs, this.#isFit(running, stand));
    }
  }

  /** Whoever is at work is followed by the others; who has just become so no longer follows. */
  #keepShared({ entry: { router, stand }, election: { winner } }: Running): void {
    if (stand === undefined || winner === undefined || this.#share === undefined) return;
    const address = this.#wish?.peers[winner];
    if (winner === this.#wish?.node) {
      this.#share.in.stop(router);
      this.#share.out.offer(router, stand.netns);
    } else if (address !== undefined) {
      this.#share.out.withdraw(router);
      this.#share.in.follow(router, stand.netns, { address, port: kSnatPort });
    }
  }

  /** Without a gateway outside there is nothing to prove. */
  #isFit(running: Running, { netns, proof }: Stand): boolean {
    if (proof === undefined) return true;
    running.proof ??= new GatewayProof(proof.target, monotonicMs);
    if (running.election.isActive) running.proof.ask(netns, 1);
    else running.proof.ask(proof.standbyNetns, kStandbyProofEvery);
    return running.proof.isProved();
  }

  #hear(ballots: readonly Ballot[], fromIp: string): void {
    const nowMs = monotonicMs();
    const { node = '', vtepIp, peers = {} } = this.#wish ?? {};
    for (const ballot of ballots) {
      const isItsOwn = ballot.from === node ? fromIp === vtepIp : peers[ballot.from] === fromIp;
      if (isItsOwn) this.#running.get(ballot.router)?.election.hear(ballot, nowMs);
    }
  }

  #offerAt(router: string, ms: number): void {
    clearTimeout(this.#offers.get(router));
    this.#offers.set(router, setTimeout(() => {
      this.#offers.delete(router);
      this.#running.get(router)?.election.offer(monotonicMs());
    }, Math.ceil(ms - monotonicMs())));
  }
}
