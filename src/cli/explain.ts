/** `dvr explain`: what each packet of a capture is on the walk, and what about it is not as intended. */
import { readFile } from 'node:fs/promises';
import { InvalidArgumentError, type Command } from 'commander';
import { DvrError } from '../model/errors.js';
import type { NodeIds } from '../model/node-call.js';
import type { NodeView } from '../model/node-view.js';
import { controllerSocket } from '../model/paths.js';
import { explainPacket } from '../trace/explain.js';
import { intentOf, type Explanation, type Intent, type Row } from '../trace/explain-model.js';
import { capturedPackets } from '../trace/pcap.js';
import { controllerClient } from './client.js';
import { print } from './output.js';

interface Options {
  readonly node?: string; readonly view?: string; readonly limit: number; readonly json?: true;
}

export interface ExplainedPacket extends Explanation {
  readonly number: number; readonly timeUs: number;
}

/** Enough to see a walk; `--limit` reads further. */
const kDefaultLimit = 1000;

const kHelp = `
FILE is what \`tcpdump -w\` writes on any hop: a VM's eth0, br-int, br-tun, br-ex, a qr- device,
the underlay, a provider's wire.
Exit status: 0 all is as intended, 2 some field is not, 1 the capture is damaged or not readable.

Examples:
  tcpdump -c 10 -w green.pcap -i br-tun && dvr explain green.pcap --node cn1
  dvr explain green.pcap --view views.json      # without a controller: NodeViews, one or a list
`;

export function register(program: Command): void {
  program.command('explain')
    .description('say of each captured packet its step, stage and row, and what is wrong with it')
    .argument('<file>', 'a capture by tcpdump -w')
    .option('--node <node>', 'the node it was captured on, where headers alone do not tell')
    .option('--view <file>', 'take what is intended from this JSON file, not from the controller')
    .option('--limit <packets>', 'stop after so many packets', limitOf, kDefaultLimit)
    .option('--json', 'print JSON')
    .addHelpText('after', kHelp)
    .action(run);
}

function limitOf(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError(`"${text}" is no count`);
  return Number(text);
}

async function run(file: string, options: Options): Promise<void> {
  const intent = options.view === undefined
    ? await intentOfCluster(options.node)
    : await intentOfFile(options.view, options.node);
  const explained: ExplainedPacket[] = [];
  let damage: unknown;
  try {
    for await (const { data, timeUs } of capturedPackets(file)) {
      explained.push({ number: explained.length + 1, timeUs, ...explainPacket(data, intent) });
      if (explained.length >= options.limit) break;
    }
  } catch (error) {
    // What stands before the damage is worth reading: it is printed first.
    damage = error;
  }
  if (damage !== undefined && explained.length === 0) throw damage;
  print(options.json, explained, () => explainText(explained));
  if (damage !== undefined) throw damage;
  if (explained.some(({ faults }) => faults.length > 0)) process.exitCode = 2;
}

export function explainText(packets: readonly ExplainedPacket[]): string {
  if (packets.length === 0) return 'the capture has no packets';
  const faulty = packets.filter(({ faults }) => faults.length > 0).length;
  const verdict = faulty === 0 ? 'all as intended' : `${faulty} not as intended`;
  const start = packets[0]?.timeUs ?? 0;
  return [
    ...packets.map((packet) => packetLines(packet, start).join('\n')),
    `${packets.length} ${packets.length === 1 ? 'packet' : 'packets'}, ${verdict}`,
  ].join('\n');
}

function packetLines(
  { number, timeUs, packet, hop, steps, stage, row, faults }: ExplainedPacket, startUs: number,
): string[] {
  const step = steps.length === 0 ? '' : `  ${steps.join(' or ')}`;
  return [
    `${`${number}`.padStart(3)}  +${((timeUs - startUs) / 1000).toFixed(3)} ms  ${packet}`,
    `     at ${hop}${step}`,
    ...(stage === undefined ? [] : [`     stage ${stage}${rowText(row)}`]),
    ...faults.map(({ field, found, expected, why }) =>
      `     WRONG ${field}: ${found}, should be ${expected}: ${why}`),
  ];
}

function rowText(row: Row | undefined): string {
  return row === undefined ? '' : `, row of ${row.table}: ${row.key} -> ${row.value}`;
}

async function intentOfCluster(node: string | undefined): Promise<Intent> {
  const client = controllerClient();
  const names = (await client.nodes()).map(({ name }) => name);
  if (node !== undefined && !names.includes(node)) {
    throw new DvrError('DVR_NOT_FOUND', `no node is named "${node}"`, 'dvr status');
  }
  const views = await Promise.all(names.map((name) => client.view(name)));
  // A node that does not answer only leaves its local VLANs unknown.
  const ids = new Map<string, NodeIds>();
  await Promise.all(names.map(async (name) => {
    const numbers = await client.nodeCall(name, 'ids').catch(() => undefined);
    if (numbers !== undefined) ids.set(name, numbers);
  }));
  return intentOf(views, ids, node);
}

async function intentOfFile(path: string, node: string | undefined): Promise<Intent> {
  const invalid = (why: string, cause?: unknown): DvrError => new DvrError(
    'DVR_USAGE', `${path}: ${why}`,
    `save one: curl --unix-socket ${controllerSocket()} http://dvr/dvr/v1/nodes/NODE/view`,
    { cause },
  );
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw invalid(`cannot be read as JSON: ${why}`, cause);
  }
  const views = Array.isArray(json) ? json as unknown[] : [json];
  if (views.length === 0 || !views.every(isView)) {
    throw invalid('is neither a NodeView nor a list of them');
  }
  return intentOf(views, new Map(), node);
}

function isView(value: unknown): value is NodeView {
  const view = (value ?? {}) as Partial<Record<keyof NodeView, unknown>>;
  return typeof view.node === 'object' && view.node !== null
    && Array.isArray(view.peers)
    && Array.isArray(view.networks);
}
