/** `dvr export`: the cloud as a topology file, which `dvr apply` takes back. */
import type { Command } from 'commander';
import { parse } from 'yaml';
import { controllerClient } from './client.js';
import { print } from './output.js';

export function register(program: Command): void {
  program
    .command('export')
    .description('print the cloud as a topology file')
    .option('--json', 'the same as JSON, which apply takes as well')
    .addHelpText('after', '\nExample:\n  dvr export > topology.yaml\n')
    .action(async (options: { readonly json?: true }) => {
      const text = await controllerClient().exported();
      print(options.json, options.json === true ? parse(text) : undefined, () => text.trimEnd());
    });
}
