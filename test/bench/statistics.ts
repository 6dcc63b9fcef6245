/** Medians with their spread, and ratios of medians: what is said of several repetitions. */

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** How many repetitions it stands on. */
  readonly count: number;
}

/** @throws RangeError for no value at all: nothing is nobody's median. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const [min] = sorted;
  const max = sorted.at(-1);
  if (min === undefined || max === undefined) throw new RangeError('the median of no value');
  return { median: middleOf(sorted), min, max, count: sorted.length };
}

/** The middle value, or halfway between the two middle ones. */
function middleOf(sorted: readonly number[]): number {
  const upper = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? 0;
  return (lower + upper) / 2;
}

/** Three digits are more than such measurements hold; undefined where there is nothing to divide by. */
export function ratioOf(ours: number, theirs: number): number | undefined {
  return theirs === 0 ? undefined : Number((ours / theirs).toPrecision(3));
}
