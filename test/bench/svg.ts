/** Plots: one bar chart per figure, tests side by side and peers within each; no library, plain SVG. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { metrics, type MetricSpec } from './catalog.js';
import { peerNames, type PeerName } from './peers/peer.js';
import type { Summary } from './results.js';

const colours: Readonly<Record<PeerName, string>> = {
  kernel: '#8a8a8a', ovs: '#c9a227', 'ovs-afxdp': '#b5651d', dvr: '#1f6feb',
};
const size = {
  barWidth: 26, groupGap: 34, left: 70, top: 56, plotHeight: 260, bottom: 96, right: 24, legendWidth: 90,
} as const;
/** Names of tests stand below the axis by this much, and slanted, for they are long. */
const kNameDrop = 16;
const kNameTurn = -30;
/** Lines across, without zero. */
const kGridLines = 4;

/** Writes FOLDER/METRIC.svg for every figure that was measured, and answers with the paths. */
export function writePlots(folder: string, all: readonly Summary[]): string[] {
  mkdirSync(folder, { recursive: true });
  return metrics.flatMap((metric) => {
    const here = all.filter((one) => one.metric === metric.name);
    if (here.length === 0) return [];
    const path = join(folder, `${metric.name}.svg`);
    writeFileSync(path, barChart(metric, here));
    return [path];
  });
}

/** Bars are medians, whiskers the spread. */
export function barChart({ means, digits, better }: MetricSpec, here: readonly Summary[]): string {
  const peers = peerNames.filter((peer) => here.some((one) => one.peer === peer));
  const groups = [...new Set(here.map(({ scenario, test }) => `${scenario}/${test}`))];
  const groupWidth = peers.length * size.barWidth + size.groupGap;
  const width = size.left + groups.length * groupWidth + size.right;
  const height = size.top + size.plotHeight + size.bottom;
  const highest = niceCeiling(Math.max(...here.map(({ max }) => max)));
  const y: Scale = (value) => rounded(size.top + size.plotHeight * (1 - value / highest));
  const bars = here.flatMap((one) => {
    const left = size.left + groups.indexOf(`${one.scenario}/${one.test}`) * groupWidth + size.groupGap / 2;
    return bar(one, left + peers.indexOf(one.peer) * size.barWidth, y, digits);
  });
  const below = size.top + size.plotHeight + kNameDrop;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}"`,
    `  height="${height}" font-family="sans-serif" font-size="11">`,
    `<rect width="${width}" height="${height}" fill="white"/>`,
    text(size.left, 20, `${means} (${better} is better; median, min to max)`, 'font-size="14"'),
    ...peers.flatMap((peer, index) => legend(peer, size.left + index * size.legendWidth)),
    ...Array.from({ length: kGridLines + 1 }, (_, line) => highest * line / kGridLines)
      .flatMap((value) => gridLine(value, width, y)),
    ...bars,
    ...groups.map((group, at) => {
      const x = rounded(size.left + (at + 0.5) * groupWidth);
      return text(x, below, group, `text-anchor="end" transform="rotate(${kNameTurn} ${x} ${below})"`);
    }),
    '</svg>', '',
  ].join('\n');
}

type Scale = (value: number) => number;

function bar({ peer, median, min, max }: Summary, x: number, y: Scale, digits: number): string[] {
  const middle = rounded(x + size.barWidth / 2);
  const height = rounded(y(0) - y(median));
  const whisker = `M${middle} ${y(min)}V${y(max)}M${middle - 4} ${y(min)}h8M${middle - 4} ${y(max)}h8`;
  return [
    `<rect x="${x + 2}" y="${y(median)}" width="${size.barWidth - 4}" height="${height}"`,
    `  fill="${colours[peer]}"/>`,
    `<path d="${whisker}" stroke="black" fill="none"/>`,
    text(middle, y(max) - 4, median.toFixed(digits), 'text-anchor="middle" font-size="9"'),
  ];
}

const legend = (peer: PeerName, x: number): string[] =>
  [`<rect x="${x}" y="30" width="11" height="11" fill="${colours[peer]}"/>`, text(x + 16, 40, peer)];

const gridLine = (value: number, width: number, y: Scale): string[] => [
  `<path d="M${size.left} ${y(value)}H${width - size.right}" stroke="#dddddd"/>`,
  text(size.left - 6, y(value) + 4, `${Number(value.toPrecision(3))}`, 'text-anchor="end"'),
];

function text(x: number, y: number, words: string, more = ''): string {
  const escaped = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x}" y="${y}"${more === '' ? '' : ` ${more}`}>${escaped}</text>`;
}

/** The next of 1, 2, 2.5, 5 and 10 times a power of ten, so that grid lines have round numbers. */
export function niceCeiling(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([1, 2, 2.5, 5].find((step) => value <= step * power) ?? 10);
}

const rounded = (value: number): number => Number(value.toFixed(1));
