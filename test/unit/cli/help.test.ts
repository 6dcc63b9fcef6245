/** What help, hints and examples say exists: words that lead nowhere are worse than none. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const cli = join(root, 'src/cli');
const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts')).map((file) => readFileSync(join(root, 'src', file), 'utf8'));
const readme = readFileSync(join(root, 'README.md'), 'utf8');

interface CommandFile { register?(program: Command): void }

/** Every command there is, as words after `dvr`: "status", "port attach". */
async function allCommands(): Promise<Map<string, Command>> {
  const program = new Command('dvr').enablePositionalOptions();
  for (const file of readdirSync(cli).filter((name) => name !== 'main.ts'))
    ((await import(join(cli, file))) as CommandFile).register?.(program);
  const named = (command: Command, before: string): (readonly [string, Command])[] => {
    const name = `${before}${command.name()}`;
    return [[name, command], ...command.commands.flatMap((one) => named(one, `${name} `))];
  };
  return new Map(program.commands.flatMap((command) => named(command, '')));
}

function helpOf(command: Command | undefined): string {
  let text = '';
  command?.configureOutput({ writeOut: (out) => { text += out; } }).outputHelp();
  return text;
}

describe('what is said to be typed', () => {
  it('exists: every `dvr …` of a hint or an example is a command', async () => {
    const commands = await allCommands();
    // Where a command is quoted or begins a text, its first words name it; titles of processes do as well.
    const said = [...sources, readme].flatMap((text) => [...text.matchAll(/[`'"(: ]dvr ([a-z]+)(?: ([a-z]+))?/g)]
      .filter(([, first]) => !['command', 'process', 'processes', 'start', 'of', 'with'].includes(first ?? ''))
      .map(([, first = '', second = '']) => ((commands.get(first)?.commands.length ?? 0) > 0 ? `${first} ${second}`.trim() : first)));
    expect(said.length).toBeGreaterThan(50);
    const known = new Set([...commands.keys()].flatMap((name) => [name, ...name.split(' ').slice(0, 1)]));
    expect([...new Set(said)].filter((name) => !known.has(name))).toEqual([]);
  });

  it.each(['controller', 'agent', 'dataplane', 'init'])('is for `dvr %s` what the README\'s two machines run', async (name) => {
    const example = /Example:\n +(.+)/.exec(helpOf((await allCommands()).get(name)))?.[1] ?? 'none';
    expect(readme).toContain(`    scripts/${example}`);
  });
});
