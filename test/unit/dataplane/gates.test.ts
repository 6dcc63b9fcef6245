/** What the addon takes for a gate; that packets obey it is shown with real devices in test/native/gates_test.cc. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { GateHold } from '../../../src/dataplane/interface.js';
import { localDataplane, type LocalDataplane } from '../../../src/dataplane/local.js';
import { addon } from '../../../src/dataplane/native.js';

const inMs = (ms: number): number => Number(process.hrtime.bigint()) / 1e6 + ms;
let dataplane: LocalDataplane;
beforeEach(() => { dataplane = localDataplane(new (addon().Dataplane)({ workers: 1 }), '0'); });
afterEach(async () => { await dataplane.close(); });

describe('the gates of a dataplane', () => {
  it('are held, moved and shut before their devices are open', async () => {
    await dataplane.holdGates([{ name: 'qg/r1', untilMs: inMs(3000) }, { name: 'sg/r1/red', untilMs: inMs(3000) }]);
    await dataplane.holdGates([{ name: 'qg/r1', untilMs: inMs(500.5) }]);
    await dataplane.holdGates([{ name: 'qg/r1', untilMs: 0 }, { name: 'sg/r1/red', untilMs: inMs(-1000) }]);
    await dataplane.holdGates([]);
  });

  it('that are open when it leaves go on in its successor, and are held by it no more', async () => {
    const open = { name: 'qg/r1', untilMs: inMs(3000) };
    await dataplane.holdGates([open, { name: 'sg/r1/red', untilMs: inMs(3000) }, { name: 'qg/r2', untilMs: inMs(3000) }]);
    await dataplane.holdGates([{ name: 'sg/r1/red', untilMs: 0 }, { name: 'qg/r2', untilMs: inMs(-1) }]);
    expect(dataplane.openGates()).toEqual([open]);
    await dataplane.close();
    await expect(dataplane.holdGates([{ ...open, untilMs: 0 }])).rejects.toMatchObject({ code: 'DVR_DATAPLANE_UNREACHABLE' });
    expect(dataplane.openGates()).toEqual([open]);
  });

  it('take a deadline that is a moment of the monotonic clock, and none further away than a minute', async () => {
    for (const untilMs of [NaN, Infinity, -1, Date.now(), inMs(70_000)])
      await expect(dataplane.holdGates([{ name: 'qg/r1', untilMs }])).rejects.toThrow(/gate\.untilMs of qg\/r1 .* at most 60000 ms/);
    await dataplane.holdGates([{ name: 'qg/r1', untilMs: inMs(59_000) }]);
  });

  it('refuse what is no gate, naming the field', async () => {
    const refused = (gates: unknown): Promise<unknown> =>
      dataplane.holdGates(gates as readonly GateHold[]).then(() => 'taken', (error: unknown) => String(error));
    expect(await refused('qg/r1')).toContain('gates must be an array of at most 4096');
    expect(await refused([null])).toContain('gate must be an object');
    expect(await refused([{ untilMs: 0 }])).toContain('gate.name');
    expect(await refused([{ name: '', untilMs: 0 }])).toContain('gate.name');
    expect(await refused([{ name: 'qg/r1', untilMs: '0' }])).toContain('gate.untilMs');
    expect(await refused([{ name: 'qg/r1' }])).toContain('gate.untilMs');
  });

  it('are 4096 at most, where those that have been shut make room', async () => {
    const untilMs = inMs(30_000);
    const all = Array.from({ length: 4096 }, (_, at) => ({ name: `qg/r${String(at)}`, untilMs }));
    await dataplane.holdGates(all);
    await expect(dataplane.holdGates([{ name: 'qg/other', untilMs }])).rejects.toThrow('at most 4096 gates are held open at a time');
    await expect(dataplane.holdGates([...all, { name: 'qg/other', untilMs }])).rejects.toThrow('at most 4096 gates');
    await dataplane.holdGates([{ name: 'qg/r1', untilMs: 0 }, { name: 'qg/other', untilMs }]);
  });

  it('are no device\'s unless its spec says true or false', async () => {
    const spec = { kind: 'tap', name: 'qg/r1', portId: 16, mtuBytes: 1500, gated: 'yes' };
    await expect(dataplane.openDevice(spec as never)).rejects.toThrow('spec.gated must be true or false');
  });
});
