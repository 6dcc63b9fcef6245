/**
 * Whether the gateway outside answers this node: ICMP echo from inside the SNAT namespace while the router's
 * address is this node's, else from the FIP namespace on the same wire, which has an address of its own.
 */
import { parseIp } from '../../model/addresses.js';
import { openEcho, type EchoSocket } from '../icmp-echo.js';
import { kRoundMs } from './ballot.js';

/** An answer proves this much longer than until the next ask; then the gateway counts as silent. */
export const kProofMs = 1.5 * kRoundMs;
/** So long the first answer by a newly opened way may take. */
const kGraceMs = 5 * kRoundMs;

/** How many asks without an answer apart a new socket is made. */
const kReopenEvery = 5;

export type OpenEcho = typeof openEcho;

export class GatewayProof {
  #netns = '';
  #socket: EchoSocket | undefined;
  #opening = false;
  #sequence = 0;
  /** How often it is wanted, and how many rounds the last answer leaves it at rest. */
  #everyRounds = 1;
  #restRounds = 0;
  /** Asks while nothing was proved. */
  #unheard = 0;
  #provedUntilMs = -Infinity;

  constructor(private readonly target: string, private readonly nowMs: () => number, private readonly open: OpenEcho = openEcho) {}

  isProved(): boolean { return this.nowMs() < this.#provedUntilMs; }

  /**
   * Asks from there, so many rounds after the last answer and then in each until there is one; called each round. What
   * was proved by another way, a round ago still, counts until this one had time to answer.
   */
  ask(netns: string, everyRounds: number): void {
    this.#everyRounds = everyRounds;
    this.#restRounds = Math.min(this.#restRounds, everyRounds) - 1;
    if (netns !== this.#netns || !this.isProved() || this.#restRounds <= 0) this.#ask(netns);
  }

  #ask(netns: string): void {
    if (netns !== this.#netns) {
      if (this.nowMs() < this.#provedUntilMs + kRoundMs) this.#provedUntilMs = this.nowMs() + kGraceMs;
      this.#netns = netns;
      this.#reopen();
    } else if (!this.isProved() && ++this.#unheard % kReopenEvery === 0) {
      // The namespace may be another by now: a socket stays in the one that it was made in.
      this.#reopen();
    } else {
      this.#send();
    }
  }

  close(): void {
    this.#socket?.close();
    this.#socket = undefined;
    this.#netns = '';
  }

  #reopen(): void {
    const target = parseIp(this.target);
    if (this.#opening || target === undefined) return;
    this.#socket?.close();
    this.#socket = undefined;
    this.#opening = true;
    const netns = this.#netns;
    const heard = (): void => {
      if (netns !== this.#netns) return;
      this.#restRounds = this.#everyRounds;
      this.#provedUntilMs = Math.max(this.#provedUntilMs, this.nowMs() + this.#everyRounds * kRoundMs + kProofMs);
    };
    this.open({ netns, target }, heard).then((socket) => {
      this.#opening = false;
      if (netns !== this.#netns) { socket.close(); this.#reopen(); return; }
      this.#socket = socket;
      this.#send();
    }, () => { this.#opening = false; });
  }

  #send(): void {
    this.#sequence = (this.#sequence + 1) & 0xffff;
    this.#socket?.send(this.#sequence, () => {});
  }
}
