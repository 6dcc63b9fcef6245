/** What a run says to people: medians with their spread, ratios, targets, and proofs by our own counters. */
import { metrics, scenarios, tests, type MetricName, type MetricSpec, type TestSpec } from './catalog.js';
import { proofs, shareOf } from './engine.js';
import { kIdlePercent } from './idle.js';
import { type PeerName, peerNames } from './peers/peer.js';
import { ratios, summaries, verdicts, type Repetition, type Results, type Summary } from './results.js';
import { table } from './tables.js';
import type { Target } from './targets.js';

/** Processes of an idle lab that are named with their part. */
const kCostlyShown = 4;

/** One line about a repetition that has just ended. */
export function progressText({ scenario, test, peer, figures, otherCpus, noisy }: Repetition): string {
  const told = metrics.flatMap(({ name, digits }) => {
    const value = figures[name];
    return value === undefined ? [] : [`${name} ${value.toFixed(digits)}`];
  });
  const noise = noisy ? `  (noisy: others used ${otherCpus} CPUs)` : '';
  return `${scenario}/${test}  ${peer}: ${told.join(', ')}${noise}`;
}

/** The whole report: Markdown that reads as it is. */
export function reportText(results: Results): string {
  const all = summaries(results.repetitions);
  return [
    machineText(results),
    ...scenarios.flatMap(({ name, means }) => {
      const here = all.filter(({ scenario }) => scenario === name);
      return here.length === 0 ? [] : [`### ${name}: ${means}`, figuresTable(here)];
    }),
    '### Figures to reach', targetsTable(results), idleText(results),
    engineText(results.repetitions),
    noiseText(results), ...failureTexts(results),
  ].filter((text) => text !== '').join('\n\n');
}

function machineText({ machine, date, command, peers }: Results): string {
  return [
    `${machine.cpu}, ${machine.cores} CPUs, ${machine.memoryGb} GB; Linux ${machine.kernel};`,
    `Node ${machine.node}; ${machine.compiler}; commit ${machine.commit}; ${date}; \`${command}\`.`,
    'Median [min–max]; in parentheses our median over the peer\'s; \\* only noisy repetitions.', '',
    ...Object.entries(peers).map(([name, title]) => `- **${name}**: ${title}`),
  ].join('\n');
}

function figuresTable(here: readonly Summary[]): string {
  const peers = peerNames.filter((peer) => here.some((one) => one.peer === peer));
  const rowOf = (test: TestSpec, metric: MetricSpec): string[][] => {
    const row = here.filter((one) => one.test === test.name && one.metric === metric.name);
    if (row.length === 0) return [];
    const cells = peers.map((peer) => {
      const cell = row.find((one) => one.peer === peer);
      return cell === undefined ? '–' : cellText(cell, row, metric.digits);
    });
    return [[test.means, metric.means, ...cells]];
  };
  const rows = tests.flatMap((test) => metrics.flatMap((metric) => rowOf(test, metric)));
  return table(['test', 'figure', ...peers], rows);
}

function cellText({ median, min, max, noisy, peer }: Summary, row: readonly Summary[], digits: number): string {
  const found = ratios(row).find((one) => one.peer === peer);
  const mark = noisy ? '\\*' : '';
  const spread = `${median.toFixed(digits)} [${min.toFixed(digits)}–${max.toFixed(digits)}]${mark}`;
  return found === undefined ? spread : `${spread} (${found.ratio}×)`;
}

function targetsTable({ repetitions }: Results): string {
  const judged = verdicts(ratios(summaries(repetitions)));
  if (judged.length === 0) return 'None of the rows with a target was measured with both ends.';
  const rows = judged.map(({ target, ratio, reached }) => {
    const { scenario, test, metric, peer } = target;
    return [`${scenario}/${test}`, unitOf(metric), peer, boundText(target), `${ratio}×`, reachedText(reached)];
  });
  return table(['row', 'figure', 'against', 'to reach', 'measured', ''], rows);
}

const reachedText = (reached: boolean): string => (reached ? 'reached' : 'NOT REACHED');
const unitOf = (metric: MetricName): string => metrics.find(({ name }) => name === metric)?.means ?? metric;
const boundText = ({ least, most }: Target): string => (least === undefined ? `≤ ${most}×` : `≥ ${least}×`);

function idleText({ idle }: Results): string {
  if (idle === undefined) return '';
  const { corePercent, processes, seconds } = idle;
  const costly = Object.entries(processes).sort(([, a], [, b]) => b - a).slice(0, kCostlyShown);
  const count = Object.keys(processes).length;
  return [
    `Idle lab, ${count} processes, ${seconds} s: ${corePercent} % of a core`,
    `(to reach: < ${kIdlePercent} %): ${reachedText(corePercent < kIdlePercent)}.`,
    `Most: ${costly.map(([name, percent]) => `${name} ${percent} %`).join(', ')}.`,
  ].join(' ');
}

/** Of the last repetition of each row: counters are proofs, not statistics. */
function engineText(repetitions: readonly Repetition[]): string {
  const last = new Map(repetitions.flatMap(({ scenario, test, engine }) =>
    (engine === undefined ? [] : [[`${scenario}/${test}`, engine] as const])));
  const readings = [...last.values()];
  const told = proofs.filter((proof) => readings.some((engine) => shareOf(proof, engine) !== undefined));
  if (told.length === 0) return '';
  const rows = [...last].map(([row, engine]) =>
    [row, ...told.map((proof) => `${shareOf(proof, engine) ?? '–'}`)]);
  return `### What our dataplane counted\n\n${table(['row', ...told.map(({ means }) => means)], rows)}`;
}

function noiseText({ repetitions }: Results): string {
  const calibrations = repetitions.map(({ getppidNs }) => getppidNs);
  if (calibrations.length === 0) return '';
  const noisy = repetitions.filter((one) => one.noisy).length;
  const reordered = peersWith(repetitions);
  return [
    `${repetitions.length} repetitions, ${noisy} of them noisy;`,
    `getppid took ${Math.min(...calibrations)} to ${Math.max(...calibrations)} ns.`,
    `UDP packets out of order within their flow: ${reordered}.`,
  ].join('\n');
}

function peersWith(repetitions: readonly Repetition[]): string {
  const sums = new Map<PeerName, number>();
  for (const { peer, figures } of repetitions) {
    const { reordered } = figures;
    if (reordered !== undefined) sums.set(peer, (sums.get(peer) ?? 0) + reordered);
  }
  return sums.size === 0 ? 'not measured' : [...sums].map(([peer, count]) => `${peer} ${count}`).join(', ');
}

function failureTexts({ failures }: Results): string[] {
  return failures.map(({ peer, where, message }) => `FAILED: ${peer}, ${where}: ${message}`);
}
