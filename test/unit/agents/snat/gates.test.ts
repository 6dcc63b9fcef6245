/** What keeps the gates of the node's dataplane open, whichever dataplane that is. */
import { describe, expect, it } from 'vitest';
import { Gates } from '../../../../src/agents/snat/gates.js';
import type { GateHold } from '../../../../src/dataplane/interface.js';
import { monotonicMs } from '../../../../src/model/monotonic-clock.js';

class Told {
  readonly all: (readonly GateHold[])[] = [];
  holdGates = async (gates: readonly GateHold[]): Promise<void> => { this.all.push(gates); };
}

describe('gates', () => {
  it('of a dataplane that comes anew are held at once, where their time is not over', async () => {
    const gates = new Gates();
    const [first, second] = [new Told(), new Told()];
    gates.connect(first);
    const untilMs = monotonicMs() + 60_000;
    await gates.hold(['qg/r1', 'sg/r1/red'], untilMs);
    await gates.hold(['qg/r2'], monotonicMs() - 1);
    await gates.hold(['sg/r1/red'], 0);
    gates.connect(undefined);
    gates.connect(second);
    await gates.hold([], 0);
    expect(first.all).toHaveLength(3);
    expect(second.all).toEqual([[{ name: 'qg/r1', untilMs }]]);
  });
});
