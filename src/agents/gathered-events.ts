/** What the dataplane tells, gathered for a moment: a burst is one batch of rows, and one message to the controllers. */
import type { DataplaneEvent } from '../dataplane/interface.js';
import type { LearnedEvent } from './l2/learned.js';
import type { NodeAgent } from './node-agent.js';

/** Learned events are gathered this long. */
const kLearnedMs = 50;
const kMaxLearned = 4096;
/** What VMs announce is gathered this long: VRRP announces many addresses at once. */
const kAnnouncedMs = 10;

export interface EventWork {
  want(what: 'rows' | 'all'): void;
  tellAnnounced(): void;
}

export class GatheredEvents {
  #learned: LearnedEvent[] = [];
  #learning: NodeJS.Timeout | undefined;
  #announcing: NodeJS.Timeout | undefined;

  constructor(private readonly node: Pick<NodeAgent, 'deviceGone' | 'hear' | 'learn'>, private readonly work: EventWork) {}

  take(event: DataplaneEvent): void {
    if (event.event === 'device_gone') {
      if (this.node.deviceGone(event)) this.work.want('all');
    } else if (event.event === 'announced') {
      if (this.node.hear(event, performance.now())) this.#announcing ??= setTimeout(() => { this.#tell(); }, kAnnouncedMs);
    } else {
      if (this.#learned.length < kMaxLearned) this.#learned.push(event);
      this.#learning ??= setTimeout(() => { this.#learn(); }, kLearnedMs);
    }
  }

  close(): void {
    clearTimeout(this.#learning);
    clearTimeout(this.#announcing);
  }

  #learn(): void {
    this.#learning = undefined;
    if (this.node.learn(this.#learned.splice(0), Date.now())) this.work.want('rows');
  }

  #tell(): void {
    this.#announcing = undefined;
    this.work.tellAnnounced();
  }
}
