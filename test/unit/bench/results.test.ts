import { describe, expect, it } from 'vitest';
import { reportText } from '../../bench/report.js';
import { ratioLine, ratios, summaries, verdicts, type Repetition, type Results } from '../../bench/results.js';

const repetition = (peer: Repetition['peer'], gbps: number, more: Partial<Repetition> = {}): Repetition => ({
  scenario: 'routed', test: 'tcp-1', peer, round: 0, figures: { gbps, bytes: 1 }, getppidNs: 150, busyCpusBefore: 0, otherCpus: 0, noisy: false, ...more,
});
const results = (repetitions: readonly Repetition[], more: Partial<Results> = {}): Results => ({
  machine: { cpu: 'a CPU', cores: 2, memoryGb: 24, kernel: '6', node: 'v20', compiler: 'g++ 12', commit: 'abc' },
  command: 'npm run bench', date: 'today', peers: { kernel: 'the kernel', dvr: 'us' }, repetitions, failures: [], ...more,
});

describe('the summary of repetitions', () => {
  it('takes the median over the rounds, of figures that the catalogue knows', () => {
    expect(summaries([repetition('kernel', 9), repetition('kernel', 20), repetition('kernel', 10)])).toEqual([
      { scenario: 'routed', test: 'tcp-1', metric: 'gbps', peer: 'kernel', noisy: false, median: 10, min: 9, max: 20, count: 3 },
    ]);
  });

  it('leaves noisy repetitions out where there are quiet ones', () => {
    expect(summaries([repetition('kernel', 1, { noisy: true }), repetition('kernel', 10)])[0]).toMatchObject({ median: 10, count: 1, noisy: false });
  });

  it('takes noisy ones where there is nothing else, and says so', () => {
    expect(summaries([repetition('kernel', 1, { noisy: true })])[0]).toMatchObject({ median: 1, noisy: true });
  });
});

describe('ratios', () => {
  const both = summaries([repetition('kernel', 20), repetition('ovs', 1), repetition('dvr', 16)]);

  it('are our median over each peer\'s, of the same row', () => {
    expect(ratios(both).map(({ peer, ratio }) => [peer, ratio])).toEqual([['kernel', 0.8], ['ovs', 16]]);
  });

  it('are the last line of a run, as one JSON object', () => {
    expect(JSON.parse(ratioLine(ratios(both)))).toEqual({ 'routed/tcp-1/gbps': { kernel: 0.8, ovs: 16 } });
  });

  it('do not exist for rows that we did not measure', () => {
    expect(ratios(summaries([repetition('kernel', 20)]))).toEqual([]);
  });

  it('are held against the figures to reach, each bound in its own direction', () => {
    const ping = (peer: Repetition['peer'], us: number): Repetition => repetition(peer, 0, { test: 'ping-idle', figures: { p50_us: us, p99_us: us } });
    const judged = verdicts(ratios(summaries([repetition('kernel', 20), repetition('dvr', 14), ping('kernel', 100), ping('dvr', 38)])));
    expect(judged.map(({ target, ratio, reached }) => [target.metric, ratio, reached])).toEqual([
      ['p50_us', 0.38, true], ['p99_us', 0.38, false], ['gbps', 0.7, false],
    ]);
  });
});

describe('the report', () => {
  it('marks what is reached and what is not', () => {
    const text = reportText(results([repetition('kernel', 20), repetition('ovs', 1), repetition('dvr', 14)]));
    expect(text).toMatch(/routed\/tcp-1 .* kernel .*≥ 0\.75× .* 0\.7× .* NOT REACHED/);
    expect(text).toMatch(/routed\/tcp-1 .* ovs .*≥ 16× .* 14× .* NOT REACHED/);
  });

  it('says which figures stand on noisy repetitions only', () => {
    expect(reportText(results([repetition('kernel', 20, { noisy: true })]))).toContain('20.00 [20.00–20.00]\\*');
  });

  it('names what failed, so that a missing figure has a reason', () => {
    const failures = [{ peer: 'ovs', where: 'coming up', message: 'no switch' }] as const;
    expect(reportText(results([], { failures }))).toContain('FAILED: ovs, coming up: no switch');
  });

  it('judges the idle lab', () => {
    expect(reportText(results([], { idle: { seconds: 20, corePercent: 0.4, processes: { 'agent cn1': 0.3, 'dataplane cn1': 0.1 } } }))).toMatch(/2 processes.*0\.4 % of a core .*: reached.*agent cn1 0\.3 %/);
    expect(reportText(results([], { idle: { seconds: 20, corePercent: 1.2, processes: { 'agent cn1': 0.3, 'dataplane cn1': 0.1 } } }))).toMatch(/1\.2 % of a core .*: NOT REACHED/);
  });
});
