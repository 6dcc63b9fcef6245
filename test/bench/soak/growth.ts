/**
 * Whether a process grows: the end of a run against its warm beginning, in memory, descriptors and threads.
 * Pure. The first fifth does not count, for caches and heaps fill then.
 */
import { spreadOf } from '../statistics.js';

export interface Sample {
  /** Since the load began. */
  readonly atMs: number;
  readonly role: string;
  readonly pid: number;
  readonly rssMb: number;
  readonly descriptors: number;
  readonly threads: number;
}
export interface Growth {
  readonly role: string;
  readonly rssMb: number;
  readonly descriptors: number;
  readonly threads: number;
  /** What is more than allowed; empty: nothing. */
  readonly faults: readonly string[];
}

/** A JavaScript heap breathes by this much between two collections; what leaks goes on beyond it. */
export const kMostRssGrowthMb = 32;
/** A capture, a command's connection: what may be open by chance at one moment. */
export const kMostDescriptorGrowth = 4;
export const kMostThreadGrowth = 2;
/** Parts of the run: warm is from the first to the second, the end from the third. */
const kWarm = [0.2, 0.4] as const;
const kEnd = 0.8;

/** By role, in the order of the samples. @throws RangeError if a role has no sample in one of both parts. */
export function growthOf(samples: readonly Sample[], totalMs: number): Growth[] {
  const roles = [...new Set(samples.map(({ role }) => role))];
  return roles.map((role) => {
    const own = samples.filter((sample) => sample.role === role);
    const warm = own.filter(({ atMs }) => atMs >= kWarm[0] * totalMs && atMs < kWarm[1] * totalMs);
    const end = own.filter(({ atMs }) => atMs >= kEnd * totalMs);
    const grown = (of: (sample: Sample) => number): number =>
      spreadOf(end.map(of)).median - spreadOf(warm.map(of)).median;
    const growth = {
      role,
      rssMb: Number(grown(({ rssMb }) => rssMb).toFixed(1)),
      descriptors: grown(({ descriptors }) => descriptors),
      threads: grown(({ threads }) => threads),
    };
    return { ...growth, faults: faultsOf(growth, new Set(own.map(({ pid }) => pid)).size) };
  });
}

function faultsOf({ role, rssMb, descriptors, threads }: Omit<Growth, 'faults'>, pids: number): string[] {
  return [
    ...(pids > 1 ? [`${role} was started again ${pids - 1} times`] : []),
    ...(rssMb > kMostRssGrowthMb ? [`${role} grew by ${rssMb} MB (allowed ${kMostRssGrowthMb})`] : []),
    ...(descriptors > kMostDescriptorGrowth
      ? [`${role} has ${descriptors} descriptors more (allowed ${kMostDescriptorGrowth})`] : []),
    ...(threads > kMostThreadGrowth
      ? [`${role} has ${threads} threads more (allowed ${kMostThreadGrowth})`] : []),
  ];
}
