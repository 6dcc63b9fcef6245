/**
 * When namespaces are held against what was built: one that has told of a change soon after it, and all of them now and
 * then, for what they do not tell. So what somebody does by hand is undone at once, by the node itself.
 *
 * Comparing costs a few commands a namespace. It may take one part in so many of the time, and what was not used of
 * that for a while may be used at once: a change by hand is answered quickly, a busy namespace does not keep a node busy.
 */
import { pause } from '../pause.js';

/** Changes that come together are looked at together. */
const kSettleMs = 100;
/** All of them, so long after the last time. */
export const kCompareMs = 120_000;
/** Of the time, one part in so many. */
const kShare = 50;
/** What may be saved up of it: enough for whoever tidies up by hand, on a machine that is busy as well. */
const kCreditMs = 600_000;

export interface Comparison {
  /** There is something to mend. */
  readonly isOther: boolean;
  /** Namespaces that were just being built: what was seen of them counts for nothing. */
  readonly unsure: ReadonlySet<string>;
}
/** Without names it compares all. */
type Compare = (namespaces?: ReadonlySet<string>) => Promise<Comparison>;

export class Comparing {
  #touched = new Set<string>();
  #woken = new AbortController();
  /** How long nothing may be compared to be within the share, had nothing been saved up. */
  #debtMs = 0;
  #paidAtMs = performance.now();

  constructor(private readonly compare: Compare, private readonly mend: () => void) {}

  touched(namespace: string): void {
    this.#touched.add(namespace);
    this.#woken.abort();
  }

  /** Until the signal. */
  async run(stop: AbortSignal): Promise<void> {
    let wholeAtMs = performance.now() + kCompareMs;
    while (!stop.aborted) {
      await pause(wholeAtMs - performance.now(), AbortSignal.any([stop, this.#woken.signal]));
      await pause(Math.max(kSettleMs, this.#owedMs()), stop);
      if (stop.aborted) return;
      const touched = this.#touched;
      this.#touched = new Set();
      this.#woken = new AbortController();
      const isWhole = performance.now() >= wholeAtMs;
      const beganMs = performance.now();
      const { isOther, unsure } = await this.compare(isWhole ? undefined : touched);
      if (isOther) this.mend();
      for (const namespace of unsure) this.touched(namespace);
      this.#debtMs += (performance.now() - beganMs) * kShare;
      if (isWhole) wholeAtMs = performance.now() + kCompareMs;
    }
  }

  #owedMs(): number {
    const nowMs = performance.now();
    this.#debtMs = Math.max(0, this.#debtMs - (nowMs - this.#paidAtMs));
    this.#paidAtMs = nowMs;
    return this.#debtMs - kCreditMs;
  }
}
