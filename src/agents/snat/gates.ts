/**
 * The gates of this node's dataplane, held open while their deadlines are renewed. They close by themselves: a
 * dataplane that does not answer is only waited for until it must have closed them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Dataplane } from '../../dataplane/interface.js';
import { monotonicMs } from '../../model/monotonic-clock.js';
import { kLeaseMs } from './ballot.js';

export class Gates {
  #dataplane: Pick<Dataplane, 'holdGates'> | undefined;
  #gathered = new Map<string, number>();
  /** What was asked for last: a dataplane that comes anew goes on with it. */
  readonly #held = new Map<string, number>();
  #sending: Promise<void> | undefined;

  connect(dataplane: Pick<Dataplane, 'holdGates'> | undefined): void {
    this.#dataplane = dataplane;
    const now = monotonicMs();
    for (const [device, untilMs] of this.#held) if (untilMs <= now) this.#held.delete(device);
    if (dataplane !== undefined) for (const [device, untilMs] of this.#held) void this.hold([device], untilMs);
  }

  /** Done when the dataplane has it; with 0: when nothing passes these devices any more. */
  hold(devices: readonly string[], untilMs: number): Promise<void> {
    for (const device of devices) {
      this.#gathered.set(device, untilMs);
      this.#held.set(device, untilMs);
    }
    // All that one round asks for is one request.
    this.#sending ??= Promise.resolve().then(() => this.#send());
    return this.#sending;
  }

  async #send(): Promise<void> {
    const gates = [...this.#gathered].map(([name, untilMs]) => ({ name, untilMs }));
    this.#gathered = new Map();
    this.#sending = undefined;
    try {
      if (this.#dataplane !== undefined) { await this.#dataplane.holdGates(gates); return; }
    } catch {
      // As if there were none: it has gone, or will be connected to anew.
    }
    if (gates.some(({ untilMs }) => untilMs === 0)) await sleep(kLeaseMs);
  }
}
