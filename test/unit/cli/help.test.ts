/** What a command line promises: help, `--json`, exit codes, and that whatever it says to type exists. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { asksJson } from '../../../src/cli/output.js';
import { attachFault } from '../../../src/cli/port.js';
import { DvrError, type ErrorCode } from '../../../src/model/errors.js';

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

describe('every command', () => {
  it('has an example and takes --json', async () => {
    const ends = [...await allCommands()].filter(([name, { commands }]) => commands.length === 0 && !['lab serve', 'lab supervise'].includes(name));
    expect(ends.length).toBeGreaterThan(15);
    const lacking = ends.filter(([, command]) =>
      !/Examples?:\n +(dvr|tcpdump) /.test(helpOf(command)) || !command.options.some(({ long }) => long === '--json'));
    expect(lacking.map(([name]) => name)).toEqual([]);
  });

  it('takes --json for its own only before another command begins', () => {
    expect(asksJson(['node', 'dvr', 'lab', 'exec', '--json', 'vm1', '--', 'true'])).toBe(true);
    expect(asksJson(['node', 'dvr', 'lab', 'exec', 'vm1', '--', 'ip', '--json'])).toBe(false);
  });
});

describe('exit codes', () => {
  it('tell who has to act: 1 for what was asked wrongly, 4 for a silent node, 5 for what does not run', () => {
    const exitOf = (code: ErrorCode): number => new DvrError(code, '', '').exitCode;
    expect((['DVR_USAGE', 'DVR_NO_NETNS', 'DVR_LAB_EXISTS'] as const).map(exitOf)).toEqual([1, 1, 1]);
    expect((['DVR_NODE_UNREACHABLE', 'DVR_NO_LAB', 'DVR_CONTROLLER_UNREACHABLE'] as const).map(exitOf)).toEqual([4, 5, 5]);
  });

  it('is 1 for a namespace that is none, which only the node can tell', () => {
    const words = 'port web could not be attached on cn1: attach-netns.sh: no network namespace at /run/netns/nowhere';
    const failed = new DvrError('DVR_ATTACH_FAILED', words, '');
    expect(() => attachFault(failed)).toThrow(expect.objectContaining({ code: 'DVR_NO_NETNS', exitCode: 1, message: words }));
    const other = new DvrError('DVR_ATTACH_FAILED', 'eth0 is in /run/netns/web already', '');
    expect(() => attachFault(other)).toThrow(other);
  });
});

describe('what is said to be typed', () => {
  it('exists: every `dvr …` of a hint or an example is a command', async () => {
    const commands = await allCommands();
    // Where a command is quoted or begins a text, its first words name it; titles of processes do as well.
    const said = [...sources, readme].flatMap((text) => [...text.matchAll(/[`'"(: ]dvr ([a-z-]+)(?: ([a-z]+))?/g)]
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
