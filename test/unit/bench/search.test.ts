import { describe, expect, it } from 'vitest';
import { findRates, type Attempt } from '../../bench/search.js';

/** A path that loses nothing up to `clean`, one in two thousand up to `limit`, and all above it. */
function path(clean: number, limit: number, asked: number[] = []): (rate: number) => Promise<Attempt> {
  return (rate) => {
    asked.push(rate);
    const loss = rate <= clean ? 0 : rate <= limit ? 0.0005 : (rate - limit) / rate;
    return Promise.resolve({ offered: rate, received: rate * (1 - loss), loss });
  };
}
const steps = { coarse: 10, fine: 10 };

describe('the search for loss-free rates', () => {
  it('comes close to the limit from below, and never answers with more than was received', async () => {
    const { lossFree, nearlyLossFree } = await findRates(1000, steps, path(400, 400));
    expect(lossFree).toBeGreaterThan(395);
    expect(lossFree).toBeLessThanOrEqual(400);
    expect(nearlyLossFree).toBeGreaterThanOrEqual(lossFree);
  });

  it('tells a path that loses a little from one that loses nothing', async () => {
    const { lossFree, nearlyLossFree } = await findRates(1000, steps, path(200, 600));
    expect(nearlyLossFree).toBeGreaterThan(590);
    expect(lossFree).toBeGreaterThan(195);
    expect(lossFree).toBeLessThanOrEqual(200);
  });

  it('spares the second half where the first has found a rate without loss', async () => {
    const asked: number[] = [];
    await findRates(1000, steps, path(400, 400, asked));
    expect(asked).toHaveLength(steps.coarse);
  });

  it('asks for no more rates than it may, so that a lossy path cannot hold a run up', async () => {
    const asked: number[] = [];
    await findRates(1000, { coarse: 3, fine: 2 }, path(1, 900, asked));
    expect(asked).toHaveLength(5);
  });

  it('finds nothing where everything is lost', async () => {
    expect(await findRates(1000, steps, path(0, 0))).toEqual({ lossFree: 0, nearlyLossFree: 0 });
  });

  it('does not believe a rate that the sender did not reach', async () => {
    const tired = (rate: number): Promise<Attempt> => Promise.resolve({ offered: Math.min(rate, 100), received: Math.min(rate, 100), loss: 0 });
    const { lossFree } = await findRates(1000, steps, tired);
    expect(lossFree).toBeGreaterThan(90);
    expect(lossFree).toBeLessThanOrEqual(104);
  });
});
