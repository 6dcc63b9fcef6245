/** `dvr doctor`: what is wrong with the machines that all of this runs on, and what to do about it. */
import type { Command } from 'commander';
import type { NodeStatus } from '../controller/status.js';
import { version } from '../dataplane/version.js';
import { DvrError } from '../model/errors.js';
import { fail, ok, warn, type Examination, type Finding, type Level } from '../model/finding.js';
import { controllerClient, type Client } from './client.js';
import { columns, exitCodes, print } from './output.js';

export interface NodeFinding extends Finding {
  /** `controller`, or the node's name. */
  readonly where: string;
}

/** What is measured of a clock's offset is no better than half of the way there and back. */
export interface Clock { readonly nodeMs: number; readonly askedMs: number; readonly answeredMs: number }

/** Logs of different machines cannot be told apart any more; what agents say of ages stays right. */
const MAX_OFFSET_MS = 1_000;

export function register(program: Command): void {
  program.command('doctor')
    .description('look for what is wrong: MTU, offloads, peers, clocks, leftovers, duplicate addresses, kernel')
    .option('--all', 'also what is well')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExample:\n  dvr doctor --all\n')
    .action(run);
}

async function run({ all, json }: { all?: true; json?: true }): Promise<void> {
  const client = controllerClient();
  const status = await client.status();
  const store = status.store.fault === undefined
    ? ok('errors', 'the store answers')
    : fail('errors', status.store.fault, 'see that the store runs; the controller goes on when it is back');
  const nodes = await Promise.all(status.nodes.map((node) => examineNode(client, node)));
  const findings = [{ where: 'controller', ...store }, ...nodes.flat()];
  print(json, findings, () => doctorText(findings, all === true));
  process.exitCode = exitCodeOf(findings);
}

async function examineNode(client: Client, node: NodeStatus): Promise<NodeFinding[]> {
  const askedMs = Date.now();
  const answer = await client.nodeCall(node.name, 'examine').catch((error: unknown) => {
    if (error instanceof DvrError) return error;
    throw error;
  });
  const findings = answer instanceof DvrError
    ? [fail('agent', answer.message, answer.hint || `see that it runs: dvr agent --node ${node.name}`)]
    : [...answer.findings, versionFinding(answer), clockFinding({ nodeMs: answer.nowMs, askedMs, answeredMs: Date.now() })];
  return [...statusFindings(node), ...findings].map((finding) => ({ where: node.name, ...finding }));
}

/** What the node has said by itself. */
export function statusFindings({ errors, generation = 0, viewGeneration }: NodeStatus): Finding[] {
  return [
    ...errors.map(({ code, message }) => fail('errors', `${message} (${code})`, 'see the log of its agent')),
    generation >= viewGeneration ? ok('view', `generation ${generation} is applied`)
      : warn('view', `generation ${generation} of ${viewGeneration} is applied`, 'wait a moment; then see the log of its agent'),
  ];
}

const versionFinding = (answer: Examination): Finding => answer.version === version
  ? ok('agent', `it answers, version ${version}`)
  : warn('agent', `its agent is of version ${answer.version}, this command of ${version}`, 'bring all machines to one version');

/** The node looks at its clock somewhere between question and answer. */
export function clockFinding({ nodeMs, askedMs, answeredMs }: Clock): Finding {
  const offsetMs = nodeMs < askedMs ? nodeMs - askedMs : Math.max(0, nodeMs - answeredMs);
  const what = offsetMs === 0 ? 'its clock is this machine\'s, as far as can be told'
    : `its clock is ${Math.abs(offsetMs) / 1000} s ${offsetMs > 0 ? 'ahead of' : 'behind'} this machine's`;
  return Math.abs(offsetMs) <= MAX_OFFSET_MS ? ok('clock', what)
    : warn('clock', what, 'let both keep time by NTP: timedatectl set-ntp true');
}

export function exitCodeOf(findings: readonly Finding[]): number {
  if (findings.some(({ level }) => level === 'fail')) return exitCodes.broken;
  return findings.some(({ level }) => level === 'warn') ? exitCodes.differs : 0;
}

/** The worst first. */
export function doctorText(findings: readonly NodeFinding[], all: boolean): string {
  const of = (level: Level): readonly NodeFinding[] => findings.filter((finding) => finding.level === level);
  const told = [...of('fail'), ...of('warn'), ...(all ? of('ok') : [])];
  const heads = columns(told.map(({ level, where, check }) => [level, where, check, ''])).split('\n');
  const width = Math.max(0, ...heads.map((head) => head.length));
  const lines = told.flatMap(({ what, todo }, at) => [
    `${(heads[at] ?? '').padEnd(width)}  ${what}`, ...(todo === undefined ? [] : [`${' '.repeat(width)}    ${todo}`]),
  ]);
  const counts = `${of('ok').length} checks are well, ${of('warn').length} deserve a look, ${of('fail').length} fail`;
  return [...lines, counts].join('\n');
}
