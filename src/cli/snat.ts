/**
 * `dvr snat`: the node's SNAT agent. Where several network nodes could do a router's source NAT, the nodes' SNAT
 * agents choose one, and another when that one fails. With a single network node there is nothing to choose.
 */
import type { Command } from 'commander';
import { logLine } from '../dataplane/log.js';
import { DvrError } from '../model/errors.js';
import { parseName } from '../model/identifiers.js';

export function register(program: Command): void {
  program.command('snat')
    .description('run the SNAT agent of a node: fail-over between network nodes')
    .requiredOption('--node <name>', 'the node this is')
    .option('--json', 'print an error as JSON as well; log lines are JSON always')
    .addHelpText('after', '\nExample:\n  dvr snat --node a\n')
    .action(run);
}

async function run({ node }: { readonly node: string }): Promise<void> {
  if (parseName(node) === undefined) throw new DvrError('DVR_USAGE', `"${node}" is no node name`, '');
  process.title = `dvr snat ${node}`;
  const { runSnatAgent } = await import('../agents/snat/run.js');
  const agent = await runSnatAgent(node, logLine);
  logLine('info', 'SNAT agent runs', { node, pid: process.pid });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => { void agent.close().then(() => { process.exit(0); }); });
  }
}
