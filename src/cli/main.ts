#!/usr/bin/env node
/**
 * The `dvr` command. One command a file; a file is loaded only when its command is asked for, so that
 * `dvr dataplane` starts without the controller's libraries.
 */
import { Command } from 'commander';
import { version } from '../dataplane/version.js';
import { fail } from './output.js';

const commandFiles = {
  lab: () => import('./lab.js'),
  walk: () => import('./walk.js'),
  tables: () => import('./tables.js'),
  drops: () => import('./drops.js'),
  counters: () => import('./counters.js'),
  diff: () => import('./diff.js'),
  doctor: () => import('./doctor.js'),
  explain: () => import('./explain.js'),
  network: () => import('./network.js'),
  subnet: () => import('./subnet.js'),
  router: () => import('./router.js'),
  port: () => import('./port.js'),
  'floating-ip': () => import('./floating-ip.js'),
  status: () => import('./status.js'),
  controller: () => import('./controller.js'),
  agent: () => import('./agent.js'),
  dataplane: () => import('./dataplane.js'),
  snat: () => import('./snat.js'),
  init: () => import('./init.js'),
  apply: () => import('./apply.js'),
  export: () => import('./export.js'),
} as const;

async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('dvr')
    .description('A distributed virtual router for Linux: see a packet walk.')
    .version(version)
    .addHelpText('after', '\nExample:\n  dvr lab up && dvr walk vm1 vm2\n')
    .showHelpAfterError()
    .enablePositionalOptions();
  const asked = argv[2] as keyof typeof commandFiles | undefined;
  const wanted = asked !== undefined && Object.hasOwn(commandFiles, asked) ? [commandFiles[asked]] : Object.values(commandFiles);
  for (const load of wanted) (await load()).register(program);
  await program.parseAsync(argv);
}

main(process.argv).catch(fail);
