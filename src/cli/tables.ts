/** `dvr tables`: the stages of a node in packet order, with their rows and packet counts. */
import { InvalidArgumentError, type Command } from 'commander';
import * as pipeline from '../dataplane/pipeline.js';
import {
  bridges, nodeTables, type Bridge, type NamedTable, type NodeTables, type StageTables,
} from '../trace/under-the-hood.js';
import { controllerClient, type Client } from './client.js';
import { columns, print } from './output.js';

interface Options {
  readonly node?: string; readonly bridge?: Bridge; readonly rows: number; readonly json?: true;
}

/** A screenful of one table; `--rows` and `--json` show more. */
const kDefaultRows = 50;

export function register(program: Command): void {
  program.command('tables')
    .description('under the hood: every stage in packet order, its rows and packet counts')
    .option('--node <node>', 'only this node')
    .option('--bridge <bridge>', 'only br-int, br-tun, br-ex or router', bridgeOf)
    .option('--rows <count>', 'rows of a table to print at most', countOf, kDefaultRows)
    .option('--json', 'print JSON, all rows')
    .addHelpText('after', '\nExample:\n  dvr tables --node cn1 --bridge br-tun\n')
    .action(run);
}

async function run({ node, bridge, rows, json }: Options): Promise<void> {
  const client = controllerClient();
  const nodes = node === undefined ? (await client.nodes()).map(({ name }) => name) : [node];
  const tables = await Promise.all(nodes.map((name) => askNode(client, name, bridge)));
  print(json, tables, () => tables.map((one) => tablesText(one, rows)).join('\n\n'));
}

async function askNode(
  client: Client, node: string, bridge: Bridge | undefined,
): Promise<NodeTables> {
  const [view, ids, counters, tables] = await Promise.all([
    client.view(node),
    client.nodeCall(node, 'ids'),
    client.nodeCall(node, 'counters'),
    client.nodeCall(node, 'tables'),
  ]);
  return nodeTables({ view, ids, counters, tables }, pipeline, bridge);
}

export function tablesText({ node, stages }: NodeTables, maxRows = kDefaultRows): string {
  return [
    `${node}: ${stages.length} stages in packet order`,
    ...stages.map((stage) => stageText(stage, maxRows)),
  ].join('\n\n');
}

function stageText(
  { stage, bridge, seedSteps, does, packets, edges, tables }: StageTables, maxRows: number,
): string {
  const steps = seedSteps.length === 0 ? '' : `  ${seedSteps.join(' ')}`;
  const ways = edges.map(({ to, packets: count }) => `${to} ${count}`).join(', ');
  return [
    `${bridge}  ${stage}${steps}  ${does}`,
    `  ${packets} packets: ${ways}`,
    ...tables.flatMap((table) => tableLines(table, maxRows)),
  ].join('\n');
}

function tableLines({ table, fields, rows, shownAt }: NamedTable, maxRows: number): string[] {
  if (shownAt !== undefined) return [`  table ${table}: see ${shownAt}`];
  if (rows.length === 0) return [`  table ${table}: empty`];
  const shown = columns([fields, ...rows.slice(0, maxRows)]);
  const lines = shown.split('\n').map((line) => `    ${line}`);
  const left = rows.length - maxRows;
  return [
    `  table ${table}: ${rows.length} ${rows.length === 1 ? 'row' : 'rows'}`,
    ...lines,
    ...(left > 0 ? [`    … and ${left} more: --rows ${rows.length}, or --json`] : []),
  ];
}

function bridgeOf(text: string): Bridge {
  const bridge = bridges.find((one) => one === text);
  if (bridge === undefined) {
    throw new InvalidArgumentError('there are br-int, br-tun and br-ex, and router between two networks of br-int');
  }
  return bridge;
}

function countOf(text: string): number {
  if (!/^\d{1,7}$/.test(text)) throw new InvalidArgumentError(`"${text}" is no count`);
  return Number(text);
}
