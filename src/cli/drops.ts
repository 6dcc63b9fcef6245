/** `dvr drops`: why packets went no further, counted on every node. */
import type { Command } from 'commander';
import type { PipelineDescription } from '../dataplane/native.js';
import { dropReasons } from '../dataplane/pipeline.js';
import { nodeCounters } from './node-counters.js';
import { columns, print } from './output.js';

interface Options { readonly node?: string; readonly all?: true; readonly json?: true }

export interface DropCount {
  readonly reason: string; readonly sentence: string; readonly hint: string;
  readonly total: number;
  readonly byNode: Readonly<Record<string, number>>;
}

export function register(program: Command): void {
  program.command('drops').description('why packets went no further, counted on every node')
    .option('--node <node>', 'only this node')
    .option('--all', 'also the reasons nothing was dropped for')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  dvr drops --all\n')
    .action(run);
}

async function run({ node, all, json }: Options): Promise<void> {
  const counted = await nodeCounters(node);
  const counts = dropCounts(new Map([...counted].map(([name, { drops }]) => [name, drops])), dropReasons);
  const shown = all === true ? counts : counts.filter(({ total }) => total > 0);
  print(json, shown, () => dropsText(shown, [...counted.keys()]));
}

/** Every reason, in packet order; a node that knows further reasons has them at the end. */
export function dropCounts(
  byNode: ReadonlyMap<string, Readonly<Record<string, number>>>,
  reasons: PipelineDescription['dropReasons'],
): DropCount[] {
  const known = reasons.map(({ name, ...text }) => ({ reason: name, ...text }));
  const seen = new Set([...byNode.values()].flatMap((drops) => Object.keys(drops)));
  for (const { reason } of known) seen.delete(reason);
  const unknown = [...seen].map((reason) => ({
    reason,
    sentence: 'a reason this command does not know',
    hint: 'dvr of another version runs on the node',
  }));
  return [...known, ...unknown].map((reason) => {
    const counts = Object.fromEntries(
      [...byNode].map(([node, drops]) => [node, drops[reason.reason] ?? 0]),
    );
    const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
    return { ...reason, total, byNode: counts };
  });
}

export function dropsText(counts: readonly DropCount[], nodes: readonly string[]): string {
  if (counts.length === 0) return `nothing was dropped on ${nodes.join(', ')}`;
  const table = columns([
    ['reason', ...nodes, 'what it means'],
    ...counts.map(({ reason, byNode, sentence }) => [
      reason, ...nodes.map((node) => `${byNode[node] ?? 0}`), sentence,
    ]),
  ]).split('\n');
  const rows = counts.flatMap(({ total, hint }, at) =>
    [table[at + 1] ?? '', ...(total > 0 ? [`  look at: ${hint}`] : [])]);
  return [table[0], ...rows].join('\n');
}
