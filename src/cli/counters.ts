/** `dvr counters`: what the workers of every node have done, and so which optimisations are on. */
import type { Command } from 'commander';
import type { PipelineDescription } from '../dataplane/native.js';
import { engineCounters } from '../dataplane/pipeline.js';
import { nodeCounters } from './node-counters.js';
import { columns, print } from './output.js';

interface Options { readonly node?: string; readonly json?: true }

export interface EngineCount {
  readonly counter: string; readonly sentence: string;
  readonly byNode: Readonly<Record<string, number>>;
}

export function register(program: Command): void {
  program.command('counters').description('what the workers of every node have done: trains, super-frames, wake-ups')
    .option('--node <node>', 'only this node')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  dvr counters --node cn1\n')
    .action(run);
}

async function run({ node, json }: Options): Promise<void> {
  const counted = await nodeCounters(node);
  const engines = new Map([...counted].map(([name, { engine }]) => [name, engine]));
  const counts = engineCounts(engines, engineCounters);
  print(json, counts, () => engineText(counts, [...counted.keys()]));
}

/** Every counter, in the order of the list; a node that knows further ones has them at the end. */
export function engineCounts(
  byNode: ReadonlyMap<string, Readonly<Record<string, number>>>,
  counters: PipelineDescription['engineCounters'],
): EngineCount[] {
  const unknown = new Set([...byNode.values()].flatMap((engine) => Object.keys(engine)));
  for (const { name } of counters) unknown.delete(name);
  const all = [
    ...counters,
    ...[...unknown].map((name) => ({ name, sentence: 'a counter of another version of dvr' })),
  ];
  return all.map(({ name, sentence }) => ({
    counter: name,
    sentence,
    byNode: Object.fromEntries([...byNode].map(([node, engine]) => [node, engine[name] ?? 0])),
  }));
}

export function engineText(counts: readonly EngineCount[], nodes: readonly string[]): string {
  return columns([
    ['counter', ...nodes, 'what it counts'],
    ...counts.map(({ counter, byNode, sentence }) =>
      [counter, ...nodes.map((node) => `${byNode[node] ?? 0}`), sentence]),
  ]);
}
