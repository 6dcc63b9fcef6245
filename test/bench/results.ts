/** What a run gives, and what follows from it: spreads, ratios of medians, targets reached. Pure. */
import { metrics, type MetricName, type ScenarioName, type TestName } from './catalog.js';
import type { EngineReading } from './engine.js';
import type { Machine } from './machine.js';
import type { PeerName } from './peers/peer.js';
import { ratioOf, spreadOf, type Spread } from './statistics.js';
import { isReached, targets, type Target } from './targets.js';
import type { Figures } from './traffic.js';

/** One measurement of one row of one peer. */
export interface Repetition {
  readonly scenario: ScenarioName;
  readonly test: TestName;
  readonly peer: PeerName;
  readonly round: number;
  readonly figures: Figures;
  readonly getppidNs: number;
  readonly busyCpusBefore: number;
  /** CPUs that others used meanwhile. */
  readonly otherCpus: number;
  readonly noisy: boolean;
  readonly engine?: EngineReading;
}
export interface Failure {
  readonly peer: PeerName;
  readonly where: string;
  readonly message: string;
}
export interface Idle {
  readonly seconds: number;
  /** Of one core, all processes of the lab together. */
  readonly corePercent: number;
  readonly processes: Readonly<Record<string, number>>;
}

export interface Results {
  readonly machine: Machine;
  readonly command: string;
  readonly date: string;
  /** What each peer is, or why it was not measured. */
  readonly peers: Readonly<Partial<Record<PeerName, string>>>;
  readonly repetitions: readonly Repetition[];
  readonly failures: readonly Failure[];
  readonly idle?: Idle;
}

export interface Summary extends Spread {
  readonly scenario: ScenarioName;
  readonly test: TestName;
  readonly metric: MetricName;
  readonly peer: PeerName;
  /** Only noisy repetitions were there. */
  readonly noisy: boolean;
}
export interface Ratio {
  readonly scenario: ScenarioName;
  readonly test: TestName;
  readonly metric: MetricName;
  readonly peer: PeerName;
  /** Our median over the peer's. */
  readonly ratio: number;
}
export interface Verdict { readonly target: Target; readonly ratio: number; readonly reached: boolean }

/** From quiet repetitions where there are any. Rows in the order they were measured. */
export function summaries(repetitions: readonly Repetition[]): Summary[] {
  return grouped(repetitions).flatMap((group) => {
    const quiet = group.filter(({ noisy }) => !noisy);
    const used = quiet.length > 0 ? quiet : group;
    const [first] = used;
    if (first === undefined) return [];
    const { scenario, test, peer } = first;
    const noisy = quiet.length === 0;
    return metrics.flatMap(({ name: metric }) => {
      const values = used.flatMap(({ figures }) => figures[metric] ?? []);
      return values.length === 0 ? [] : [{ scenario, test, metric, peer, noisy, ...spreadOf(values) }];
    });
  });
}

function grouped(repetitions: readonly Repetition[]): Repetition[][] {
  const groups = new Map<string, Repetition[]>();
  for (const one of repetitions) {
    const name = `${one.scenario}/${one.test}/${one.peer}`;
    groups.set(name, [...(groups.get(name) ?? []), one]);
  }
  return [...groups.values()];
}

export function ratios(all: readonly Summary[]): Ratio[] {
  return all.filter(({ peer }) => peer !== 'dvr').flatMap(({ scenario, test, metric, peer, median }) => {
    const ours = all.find((one) => one.peer === 'dvr' && isSameFigure(one, { scenario, test, metric }));
    const ratio = ours === undefined ? undefined : ratioOf(ours.median, median);
    return ratio === undefined ? [] : [{ scenario, test, metric, peer, ratio }];
  });
}

type Figure = Pick<Summary, 'scenario' | 'test' | 'metric'>;
const isSameFigure = (one: Figure, other: Figure): boolean =>
  one.scenario === other.scenario && one.test === other.test && one.metric === other.metric;

/** Of the targets whose row was measured. */
export function verdicts(all: readonly Ratio[]): Verdict[] {
  return targets.flatMap((target) => {
    const found = all.find((one) => one.peer === target.peer && isSameFigure(one, target));
    if (found === undefined) return [];
    return [{ target, ratio: found.ratio, reached: isReached(target, found.ratio) }];
  });
}

/** The last line of a run: {"routed/tcp-1/gbps": {"kernel": 0.8, …}, …}. */
export function ratioLine(all: readonly Ratio[]): string {
  const line: Record<string, Record<string, number>> = {};
  for (const { scenario, test, metric, peer, ratio } of all) {
    (line[`${scenario}/${test}/${metric}`] ??= {})[peer] = ratio;
  }
  return JSON.stringify(line);
}
