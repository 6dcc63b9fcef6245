/** The MACs that a node knows by learning, as they come and grow old: learned.ts says what changes, this holds it. */
import type { NodeView } from '../../model/node-view.js';
import type { LocalIds } from '../local-ids.js';
import { age, learn, learnRules, nothingLearned, rowsDiffer, type Learned, type LearnedEvent } from './learned.js';

export class LearnedMacs {
  #now: Learned = nothingLearned;

  get now(): Learned { return this.#now; }

  /** Takes "learned" events in; answers whether rows change. */
  learn(events: readonly LearnedEvent[], view: NodeView, ids: LocalIds, nowMs: number): boolean {
    return this.#become(learn(this.#now, events, learnRules(view, ids), nowMs));
  }

  /** They grow older; answers whether rows change. */
  age(view: NodeView, ids: LocalIds, nowMs: number): boolean {
    // Where nothing was learned the rules are not worth making: they name every MAC of the view.
    if (this.#now.macs.size === 0) return false;
    return this.#become(age(this.#now, learnRules(view, ids), nowMs));
  }

  #become(next: Learned): boolean {
    const before = this.#now;
    this.#now = next;
    return rowsDiffer(before, next);
  }
}
