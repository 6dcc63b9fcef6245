import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { answerCall } from '../../../src/agents/node-calls.js';
import { kLeaseMs } from '../../../src/agents/trace-lease.js';
import type { Dataplane, TraceDump, TraceRecord } from '../../../src/dataplane/interface.js';
import type { NodeCallMethod } from '../../../src/model/node-call.js';
import { echoFrame } from '../../../src/trace/echo.js';

const [first, second] = ['11'.repeat(16), '22'.repeat(16)];

/** A record of an echo that carries the marker; IPv6 where the addresses are. */
function recordOf(marker: string, src = '10.1.0.11', dst = '10.2.0.12'): TraceRecord {
  const frame = echoFrame({
    srcMac: 'fa:16:3e:00:00:01', dstMac: 'fa:16:3e:00:00:02', srcIp: src, dstIp: dst,
    ttl: 64, id: 1, sequence: 1, marker: Buffer.from(marker, 'hex'),
  }).subarray(0, 128).toString('base64');
  return {
    timeNs: 1, passage: 1, stage: 'classify', next: 'find_router', inPort: 16, outPort: 0,
    localVlan: { before: 0, after: 1 }, vni: 0, vtep: '', before: frame, after: frame,
    frameBytes: 98, gsoBytes: 0, copyToPorts: [], copyToVteps: [],
  };
}

let ring: TraceRecord[];
let looksFor: string | null;
let call: (method: NodeCallMethod, params: Record<string, unknown>) => Promise<unknown>;

beforeEach(() => {
  vi.useFakeTimers();
  [ring, looksFor] = [[], null];
  const dataplane: Pick<Dataplane, 'setTrace' | 'takeTrace'> = {
    setTrace: async (marker) => {
      looksFor = marker && Buffer.from(marker).toString('hex');
    },
    takeTrace: async () => ({ records: ring.splice(0), lost: 0 }),
  };
  const parts = {
    dataplane: () => dataplane as Dataplane, numbers: () => ({ ports: [], localVlans: [], routerNumbers: [] }),
  };
  call = (method, params) => answerCall(parts, method, params);
});
afterEach(() => { vi.useRealTimers(); });

const take = (marker: string): Promise<unknown> => call('setTrace', { marker });
const release = (marker: string): Promise<unknown> =>
  call('setTrace', { marker: null, release: marker });
const records = async (marker: string): Promise<readonly TraceRecord[]> =>
  (await call('takeTrace', { marker }) as TraceDump).records;

describe('two walks on one node', () => {
  it('do not take the trace from each other: the second is refused and told what to do', async () => {
    await take(first);
    await expect(take(second)).rejects.toMatchObject({
      code: 'DVR_CONFLICT', message: expect.stringContaining('walk again when it has ended'),
    });
    expect(looksFor).toBe(first);
    await release(first);
    await take(second);
    expect(looksFor).toBe(second);
  });

  it('do not end each other: a release is of a marker, and of no other', async () => {
    await take(first);
    await release(second);
    expect(looksFor).toBe(first);
    await expect(call('setTrace', { marker: null })).rejects.toMatchObject({ code: 'DVR_USAGE' });
  });

  it("do not take each other's records", async () => {
    await take(second);
    ring = [recordOf(second)];
    await expect(records(first)).rejects.toMatchObject({ code: 'DVR_CONFLICT' });
    expect(await records(second)).toHaveLength(1);
  });

  it('do not see what an earlier one left in the ring', async () => {
    ring = [recordOf(first)];
    await take(second);
    ring.push(recordOf(first), recordOf(second), recordOf(second, 'fd01::11', 'fd02::12'));
    expect(await records(second)).toEqual([
      recordOf(second), recordOf(second, 'fd01::11', 'fd02::12'),
    ]);
  });

  it('can follow each other when the first was killed: its lease ends by itself', async () => {
    await take(first);
    await vi.advanceTimersByTimeAsync(kLeaseMs);
    expect(looksFor).toBeNull();
    await take(second);
    await vi.advanceTimersByTimeAsync(kLeaseMs - 1);
    expect(looksFor).toBe(second);
  });

  it('leave no marker behind when a release comes before the take is done', async () => {
    await Promise.all([take(first), release(first)]);
    expect(looksFor).toBeNull();
  });
});
