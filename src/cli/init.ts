/** `dvr init`: makes what a cluster on real machines needs once, which is its key. */
import type { Command } from 'commander';
import { createClusterKey } from '../model/cluster-key.js';
import { print } from './output.js';

export function register(program: Command): void {
  program
    .command('init')
    .description('Make the cluster key that controller and agents prove to each other.')
    .requiredOption('--key <file>', 'where to write it; an existing file is never replaced')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', '\nExample:\n  dvr init --key /var/lib/dvr/cluster.key\n')
    .action((options: { key: string; json?: true }) => {
      createClusterKey(options.key);
      print(
        options.json,
        { key: options.key },
        () => `made the cluster key ${options.key}; copy it to every node, readable by root alone`,
      );
    });
}
