import { describe, expect, it } from 'vitest';
import { growthOf, type Sample } from '../../bench/soak/growth.js';
import { newTally, type Tally } from '../../bench/soak/loads.js';
import { reorderingsIn } from '../../bench/soak/netstat.js';
import { faultsOf } from '../../bench/soak/verdict.js';

/** A process looked at every second of a hundred. */
const hundred = (of: (second: number) => Partial<Sample>): Sample[] => Array.from({ length: 100 }, (_, second) =>
  ({ atMs: second * 1000, role: 'agent cn1', pid: 7, rssMb: 60, descriptors: 30, threads: 11, ...of(second) }));
const faultsIn = (samples: readonly Sample[]): readonly string[] => growthOf(samples, 100_000).flatMap(({ faults }) => faults);

describe('growth of a process', () => {
  it('is none where it holds as much at the end as when it was warm', () => {
    expect(growthOf(hundred(() => ({})), 100_000)).toEqual([{ role: 'agent cn1', rssMb: 0, descriptors: 0, threads: 0, faults: [] }]);
  });

  it('does not count what is filled at the beginning', () => {
    expect(faultsIn(hundred((second) => ({ rssMb: second < 20 ? 10 + second * 10 : 210 })))).toEqual([]);
  });

  it('is found in memory that goes on growing', () => {
    expect(faultsIn(hundred((second) => ({ rssMb: 60 + second })))).toEqual([expect.stringMatching(/agent cn1 grew by 60 MB/)]);
  });

  it('is found in descriptors and threads', () => {
    expect(faultsIn(hundred((second) => ({ descriptors: 30 + second, threads: 11 + Math.floor(second / 10) })))).toHaveLength(2);
  });

  it('does not take one heap before its collection for a leak', () => {
    expect(faultsIn(hundred((second) => ({ rssMb: second === 95 ? 200 : 60 })))).toEqual([]);
  });

  it('is no question for a process that was started again: that is a fault of its own', () => {
    expect(faultsIn(hundred((second) => ({ pid: second < 50 ? 7 : 8 })))).toEqual(['agent cn1 was started again 1 times']);
  });
});

describe('the verdict of a soak', () => {
  const good: Tally = {
    tcpGb: 10, udpSent: 1000, udpReceived: 990, udpReordered: 0, pingsSent: 100, pingsAnswered: 99, walks: 5, walksDelivered: 5, attachments: 3,
  };
  const verdict = (change: Partial<Tally>, tcpReorderings = 0): string[] => faultsOf({ tally: { ...good, ...change }, growth: [], tcpReorderings });

  it('has no fault where everything ran and nothing lost its order', () => {
    expect(verdict({})).toEqual([]);
  });

  it('has one for a single packet out of order, by UDP or as TCP saw it', () => {
    expect(verdict({ udpReordered: 1 })).toEqual(['1 UDP packets out of order within their flow']);
    expect(verdict({}, 2)).toEqual(['TCP found segments out of order 2 times']);
  });

  it('has one for every kind of load that did not run, for nothing was shown then', () => {
    expect(faultsOf({ tally: newTally(), growth: [], tcpReorderings: 0 })).toHaveLength(5);
  });

  it('tells a busy way from a broken one', () => {
    expect(verdict({ udpReceived: 800 })).toEqual([]);
    expect(verdict({ udpReceived: 100 })).toEqual([expect.stringMatching(/90\.0 % of UDP packets lost/)]);
  });
});

describe('what a TCP stack noticed', () => {
  it('is found by name, wherever the kernel has put it', () => {
    const text = 'TcpExt: SyncookiesSent TCPRenoReorder TCPSACKReorder TCPTSReorder\nTcpExt: 9 1 2 4\nIpExt: InNoRoutes\nIpExt: 5\n';
    expect(reorderingsIn(text)).toBe(7);
    expect(reorderingsIn('TcpExt: SyncookiesSent\nTcpExt: 9\n')).toBe(0);
  });
});
