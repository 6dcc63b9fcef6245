/** `dvr diff`: what nodes have, held against what they are to have. */
import type { Command } from 'commander';
import type { NodeStatus } from '../controller/status.js';
import { DvrError } from '../model/errors.js';
import type { Difference, NodeDifferences } from '../model/node-difference.js';
import { controllerClient, type Client } from './client.js';
import { columns, exitCodes, print } from './output.js';

export interface NodeDiff extends Partial<NodeDifferences> {
  readonly node: string;
  /** What it is to apply. */
  readonly viewGeneration: number;
  /** Why it could not be looked at. */
  readonly error?: string;
}

export function register(program: Command): void {
  program.command('diff')
    .description('what differs on the nodes from what they are to have: rows, devices, namespaces, routes, neighbours, nft')
    .argument('[node]', 'only this node')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  dvr diff cn1\n')
    .action(run);
}

async function run(node: string | undefined, { json }: { json?: true }): Promise<void> {
  const client = controllerClient();
  const { nodes } = await client.status();
  const asked = nodes.filter(({ name }) => node === undefined || name === node);
  if (node !== undefined && asked.length === 0)
    throw new DvrError('DVR_NOT_FOUND', `no node is named "${node}"`, `there are ${nodes.map(({ name }) => name).join(', ')}`);
  const diffs = await Promise.all(asked.map((one) => diffOf(client, one)));
  print(json, diffs, () => diffs.map(diffText).join('\n'));
  process.exitCode = exitCodeOf(diffs);
}

async function diffOf(client: Client, { name: node, viewGeneration }: NodeStatus): Promise<NodeDiff> {
  try {
    return { node, viewGeneration, ...await client.nodeCall(node, 'diff') };
  } catch (error) {
    if (!(error instanceof DvrError)) throw error;
    return { node, viewGeneration, error: error.message };
  }
}

/** A node that is told of less than it is to have differs as well, though it has all it knows of. */
const isBehind = ({ generation = 0, viewGeneration }: NodeDiff): boolean => generation < viewGeneration;
const differs = (diff: NodeDiff): boolean =>
  isBehind(diff) || (diff.differences ?? []).length > 0 || (diff.notLookedAt ?? []).length > 0;

export function exitCodeOf(diffs: readonly NodeDiff[]): number {
  if (diffs.some(({ error }) => error !== undefined)) return exitCodes.unanswered;
  return diffs.some(differs) ? exitCodes.differs : 0;
}

export function diffText(diff: NodeDiff): string {
  const { node, error, generation = 0, viewGeneration, differences = [], leftOut = 0, notLookedAt = [] } = diff;
  if (error !== undefined) return `${node}: ${error}`;
  if (!differs(diff)) return `${node}: as it is to be (generation ${generation})`;
  const more = [
    ...(isBehind(diff) ? [`has generation ${generation} of ${viewGeneration}`] : []),
    ...(leftOut > 0 ? [`and ${leftOut} more`] : []),
    ...(notLookedAt.length > 0 ? [`no time to look into ${notLookedAt.join(', ')}`] : []),
  ];
  const rows = differences.map(({ where, kind, what }: Difference) => [`  ${kind}`, where, what]);
  return [`${node}:`, ...(rows.length === 0 ? [] : [columns(rows)]), ...more.map((line) => `  ${line}`)].join('\n');
}
