/** The bench's command line, and what it makes of it: which peers and rows, how long and how often. */
import { Command, InvalidArgumentError } from 'commander';
import { scenarios, tests, type ScenarioName, type TestName } from './catalog.js';
import { peerNames, type PeerName } from './peers/peer.js';
import type { Durations } from './traffic.js';

export interface Options {
  readonly quick: boolean;
  readonly only?: RegExp;
  readonly peers: readonly PeerName[];
  readonly json?: string;
  readonly svg?: string;
  readonly profile?: string;
  readonly writeDocs: boolean;
  readonly budget: Budget;
}

export interface Budget {
  readonly durations: Durations;
  readonly repetitions: number;
  /** Until then the machine may become quiet before a repetition. */
  readonly longestWaitMs: number;
  /** How often a noisy repetition is made again. */
  readonly repeats: number;
  /** No row of a further round begins after this; the first round is always whole. */
  readonly seconds: number;
  readonly idleSeconds: number;
}

export interface Row { readonly scenario: ScenarioName; readonly test: TestName }

const usual: Budget = {
  durations: {
    tcpSeconds: 4, floodSeconds: 1.5, attemptSeconds: 0.5, pingSeconds: 3, steps: { coarse: 7, fine: 4 },
  },
  repetitions: 5, longestWaitMs: 10_000, repeats: 2, seconds: 4 * 3600, idleSeconds: 20,
};
/** Four peers take nearly four minutes a round; the limit leaves room for bringing them up and down. */
const quick: Budget = {
  durations: {
    tcpSeconds: 1, floodSeconds: 0.5, attemptSeconds: 0.2, pingSeconds: 1, steps: { coarse: 5, fine: 2 },
  },
  repetitions: 3, longestWaitMs: 600, repeats: 0, seconds: 240, idleSeconds: 5,
};
/** Enough for a look at the ways that the routed one does not show. */
const quickTests: Readonly<Record<ScenarioName, readonly TestName[] | 'all'>> = {
  routed: 'all', 'same-subnet': ['tcp-1', 'udp-1'], 'same-node': ['tcp-1', 'tcp-4'],
  snat: ['tcp-1', 'udp-1', 'udp-64', 'ping-idle'], 'fip-out': ['tcp-1', 'udp-1'], 'fip-in': ['tcp-1', 'udp-1'],
};

const kExample = `
Example:
  npm run bench -- --quick --only 'routed/(tcp|udp)' --peers kernel,dvr --json /tmp/bench.json
`;

interface Parsed {
  readonly quick?: true; readonly only?: RegExp; readonly reps?: number; readonly secs?: number;
  readonly peers: readonly PeerName[]; readonly json?: string; readonly svg?: string;
  readonly profile?: string; readonly writeDocs?: true;
}

/** Reads the words after the program's name; help and usage errors are printed, and end the process. */
export function readOptions(words: readonly string[]): Options {
  const command = new Command('npm run bench --')
    .description("measures this checkout, the kernel's own DVR topology and Open vSwitch, taking turns")
    .option('--quick', 'short repetitions, in under six minutes')
    .option('--only <pattern>', 'only rows whose "scenario/test" matches this regular expression', patternOf)
    .option('--peers <names>', `some of ${peerNames.join(',')}`, peersOf, peerNames)
    .option('--reps <count>', 'repetitions of each row', countOf)
    .option('--secs <seconds>', 'length of one TCP run', countOf)
    .option('--json <file>', 'write everything to this file (not below /run, which is private while it runs)')
    .option('--svg <folder>', 'write plots into this folder')
    .option('--profile <folder>', 'afterwards run each row once more under perf: what took the time')
    .option('--write-docs', 'put the figures into docs/performance.md')
    .addHelpText('after', kExample);
  const parsed = command.parse([...words], { from: 'user' }).opts<Parsed>();
  const { quick: isQuick, reps, secs, writeDocs, ...rest } = parsed;
  const base = isQuick === true ? quick : usual;
  return {
    ...rest, quick: isQuick === true, writeDocs: writeDocs === true,
    budget: {
      ...base, repetitions: reps ?? base.repetitions,
      durations: { ...base.durations, tcpSeconds: secs ?? base.durations.tcpSeconds },
    },
  };
}

/** The rows to measure, in order; `round` counts from 0. A quick run looks at side ways once only. */
export function rowsOf({ quick: isQuick, only }: Pick<Options, 'quick' | 'only'>, round = 0): Row[] {
  return scenarios.flatMap(({ name: scenario, outside }) => tests.flatMap(({ name: test }) => {
    if (outside?.includes(test) === false) return [];
    const wanted = quickTests[scenario];
    const isLeftOut = isQuick && wanted !== 'all' && (round > 0 || !wanted.includes(test));
    // Whoever names rows gets them all.
    if (only === undefined ? isLeftOut : !only.test(`${scenario}/${test}`)) return [];
    return [{ scenario, test }];
  }));
}

function peersOf(text: string): readonly PeerName[] {
  return text.split(',').map((word) => {
    const name = peerNames.find((one) => one === word);
    if (name === undefined) {
      throw new InvalidArgumentError(`"${word}" is no peer: choose from ${peerNames.join(', ')}`);
    }
    return name;
  });
}

function patternOf(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (cause) {
    throw new InvalidArgumentError(`"${text}" is no regular expression: ${(cause as Error).message}`);
  }
}

function countOf(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 3600) {
    throw new InvalidArgumentError(`"${text}" is no whole number from 1 to 3600`);
  }
  return value;
}
