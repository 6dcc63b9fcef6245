import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Comparing, kCompareMs } from '../../../src/agents/l3/comparing.js';

let compared: (readonly string[] | 'all')[];
let mended: number;
let isOther: boolean;
let unsure: ReadonlySet<string>;
let tookMs: number;
let stop: AbortController;
let comparing: Comparing;

beforeEach(() => {
  vi.useFakeTimers();
  [compared, mended, isOther, tookMs, stop] = [[], 0, false, 10, new AbortController()];
  unsure = new Set();
  comparing = new Comparing(async (namespaces) => {
    compared.push(namespaces === undefined ? 'all' : [...namespaces]);
    await new Promise((done) => { setTimeout(done, tookMs); });
    const told = { isOther, unsure };
    unsure = new Set();
    return told;
  }, () => { ++mended; });
  void comparing.run(stop.signal);
});
afterEach(() => {
  stop.abort();
  vi.useRealTimers();
});

describe('comparing namespaces with what was built', () => {
  it('looks at those that told of a change, once for changes that come together', async () => {
    comparing.touched('qrouter-r1');
    await vi.advanceTimersByTimeAsync(50);
    comparing.touched('fip-ext');
    comparing.touched('qrouter-r1');
    await vi.advanceTimersByTimeAsync(500);
    expect(compared).toEqual([['qrouter-r1', 'fip-ext']]);
    expect(mended).toBe(0);
  });

  it('has mended what is other than it was built', async () => {
    isOther = true;
    comparing.touched('qrouter-r1');
    await vi.advanceTimersByTimeAsync(500);
    expect(mended).toBe(1);
  });

  it('looks at nothing any more once it has been stopped, also where something had been touched', async () => {
    comparing.touched('qrouter-r1');
    await vi.advanceTimersByTimeAsync(10);
    stop.abort();
    await vi.advanceTimersByTimeAsync(500);
    expect(compared).toEqual([]);
  });

  it('looks once more at what was just being built', async () => {
    unsure = new Set(['snat-r1']);
    comparing.touched('snat-r1');
    await vi.advanceTimersByTimeAsync(1000);
    expect(compared).toEqual([['snat-r1'], ['snat-r1']]);
  });

  it('looks at all of them now and then, for what they do not tell', async () => {
    await vi.advanceTimersByTimeAsync(kCompareMs + 1000);
    expect(compared).toEqual(['all']);
  });

  it('does not lose what was touched while it looked', async () => {
    comparing.touched('qrouter-r1');
    await vi.advanceTimersByTimeAsync(105);
    comparing.touched('snat-r1');
    await vi.advanceTimersByTimeAsync(500);
    expect(compared).toEqual([['qrouter-r1'], ['snat-r1']]);
  });

  it('takes no more than a fiftieth of the time for a namespace that is never quiet, but what it had saved', async () => {
    tookMs = 1000;
    const busy = setInterval(() => { comparing.touched('qrouter-r1'); }, 200);
    await vi.advanceTimersByTimeAsync(3_600_000);
    clearInterval(busy);
    const spentMs = compared.length * tookMs;
    expect(spentMs).toBeLessThan((3_600_000 + 600_000) / 50 + 2 * tookMs);
    expect(spentMs).toBeGreaterThan(3_600_000 / 50);
  });
});
