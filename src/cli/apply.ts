/** `dvr apply`: makes the cloud what a topology file says. */
import type { Command } from 'commander';
import { readFileSync } from 'node:fs';
import { DvrError } from '../model/errors.js';
import { controllerClient } from './client.js';
import { print } from './output.js';

interface Shown {
  readonly json?: true;
}

export function register(program: Command): void {
  program
    .command('apply')
    .description('make the cloud what a topology file says; what clients made beside it stays')
    .argument('<topology>', 'YAML file, or - for standard input')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', '\nExample:\n  dvr apply topology.yaml\n')
    .action(apply);
}

async function apply(file: string, options: Shown): Promise<void> {
  const applied = await controllerClient().apply(textOf(file));
  print(options.json, applied, () =>
    (applied.changed
      ? `applied; the state is generation ${applied.generation} now`
      : 'nothing to change: everything is so already'));
}

function textOf(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (cause) {
    const why = `cannot read the topology ${file}: ${(cause as Error).message}`;
    throw new DvrError('DVR_USAGE', why, 'give the path of a YAML file', { cause });
  }
}
