import { describe, expect, it } from 'vitest';
import { ratioOf, spreadOf } from '../../bench/statistics.js';

describe('medians', () => {
  it('are the middle of an odd number of values, whatever their order', () => {
    expect(spreadOf([9, 1, 5])).toEqual({ median: 5, min: 1, max: 9, count: 3 });
  });

  it('lie halfway between the two middle ones of an even number', () => {
    expect(spreadOf([1, 100, 3, 2]).median).toBe(2.5);
  });

  it('are the value itself where there is one', () => {
    expect(spreadOf([7])).toEqual({ median: 7, min: 7, max: 7, count: 1 });
  });

  it('do not exist of nothing, so that a row nobody measured cannot look like a figure', () => {
    expect(() => spreadOf([])).toThrow(RangeError);
  });
});

describe('ratios', () => {
  it('are ours over theirs, with no more digits than such figures hold', () => {
    expect(ratioOf(1, 3)).toBe(0.333);
    expect(ratioOf(12_345, 1)).toBe(12_300);
  });

  it('do not exist over nothing', () => {
    expect(ratioOf(1, 0)).toBeUndefined();
  });
});
