/** The highest rate that a path carries without losing more than allowed, found by halving. Pure. */

export interface Attempt {
  /** Packets per second that the sender really offered. */
  readonly offered: number;
  readonly received: number;
  /** Part of the packets that did not arrive, 0 to 1. */
  readonly loss: number;
}
export interface Found {
  /** Highest received rate with a loss of at most 0.1 %, in packets per second; 0: none was found. */
  readonly nearlyLossFree: number;
  /** Highest received rate without any loss. */
  readonly lossFree: number;
}
export interface Steps { readonly coarse: number; readonly fine: number }

const kSmallLoss = 0.001;
/** A sender that fell short did not offer the rate, so nothing was shown of it. */
const kLeastOffered = 0.97;
/** Closer together than this, the two rates are one. */
const kSame = 0.97;

/**
 * Halves between 0 and `ceiling` for the rate with little loss; then, if that lost anything, between the
 * best loss-free rate so far and it. `attempt` is asked for `coarse + fine` rates at most.
 */
export async function findRates(
  ceiling: number, { coarse, fine }: Steps, attempt: (rate: number) => Promise<Attempt>,
): Promise<Found> {
  let found: Found = { nearlyLossFree: 0, lossFree: 0 };
  const carries = async (rate: number, allowed: number): Promise<boolean> => {
    const { offered, received, loss } = await attempt(rate);
    if (offered < kLeastOffered * rate || loss > allowed) return false;
    found = {
      nearlyLossFree: Math.max(found.nearlyLossFree, received),
      lossFree: loss <= 0 ? Math.max(found.lossFree, received) : found.lossFree,
    };
    return true;
  };
  await halve(0, ceiling, coarse, (rate) => carries(rate, kSmallLoss));
  if (found.lossFree < kSame * found.nearlyLossFree) {
    await halve(found.lossFree, found.nearlyLossFree, fine, (rate) => carries(rate, 0));
  }
  return found;
}

async function halve(
  low: number, high: number, steps: number, carries: (rate: number) => Promise<boolean>,
): Promise<void> {
  for (let step = 0; step < steps; ++step) {
    const middle = (low + high) / 2;
    if (await carries(middle)) low = middle;
    else high = middle;
  }
}
