import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import * as counters from '../../../src/cli/counters.js';
import * as dataplane from '../../../src/cli/dataplane.js';
import * as drops from '../../../src/cli/drops.js';
import * as explain from '../../../src/cli/explain.js';
import * as port from '../../../src/cli/port.js';
import * as status from '../../../src/cli/status.js';
import * as tables from '../../../src/cli/tables.js';
import * as walk from '../../../src/cli/walk.js';

const commands = { counters, dataplane, drops, explain, port, status, tables, walk };

function program(
  of: { register(program: Command): void },
): { program: Command; text: () => string } {
  let text = '';
  const quiet = (command: Command): void => {
    command.exitOverride().configureOutput({
      writeOut: (out) => { text += out; }, writeErr: (out) => { text += out; },
    });
    command.commands.forEach(quiet);
  };
  const made = new Command('dvr');
  of.register(made);
  quiet(made);
  return { program: made, text: () => text };
}

async function run(
  of: { register(program: Command): void }, ...argv: string[]
): Promise<{ text: string; error: unknown }> {
  const made = program(of);
  const error: unknown = await made.program.parseAsync(argv, { from: 'user' }).then(
    () => undefined, (caught: unknown) => caught,
  );
  return { text: made.text(), error };
}

describe('every command that looks at the cluster', () => {
  it.each(Object.entries(commands))('%s has help with an example, and --json', async (name, of) => {
    const { text } = await run(of, name, '--help');
    expect(text).toMatch(/Examples?:\n {2}/);
    const all = program(of).program.commands.flatMap((command) => (command.commands.length > 0
      ? command.commands
      : [command]));
    for (const command of all) expect(command.options.map(({ long }) => long)).toContain('--json');
  });
});

describe('dvr dataplane', () => {
  it.each([
    [['--spin-us', '1001'], 'it must be a whole number from 0 to 1000'],
    [['--spin-us', 'long'], 'it must be a whole number from 0 to 1000'],
    [['--workers', '0'], 'it must be a whole number from 1 to 16'],
    [['--without', 'uso,speed'],
      '"speed" is no feature; there are csum, tso, uso, udp_segment, udp_segment_128, udp_gro'],
  ])('refuses %j with what would do', async (wrong, message) => {
    const { text, error } = await run(dataplane, 'dataplane', '--node', 'a', ...wrong);
    expect(text).toContain(message);
    expect(error).toMatchObject({ code: 'commander.invalidArgument' });
  });
});

describe('dvr port', () => {
  it('takes exactly one namespace to plug a port into', async () => {
    for (const plug of [[], ['--netns', '/run/netns/a', '--pid', '7']]) {
      expect((await run(port, 'port', 'attach', 'web1', ...plug)).error).toMatchObject(
        { code: 'DVR_USAGE', message: expect.stringContaining('either --netns, --pid or --dev') },
      );
    }
  });

  it.each([
    [['attach', 'web1', '--pid', '0'], 'no process id'],
    [['attach', 'web1', '--netns', '/x', '--ip', '10.1'], 'no IP address'],
    [['set', 'web1', '--allowed-address-pair', '10.1.0.9,zz'], 'no MAC'],
    [['set', 'web1', '--allowed-address-pair', 'red'], 'no ADDRESS[/BITS][,MAC]'],
  ])('refuses %j before anything is asked', async (argv, message) => {
    expect((await run(port, 'port', ...argv)).text).toContain(message);
  });

  it('changes nothing when nothing is given', async () => {
    expect((await run(port, 'port', 'set', 'web1')).error).toMatchObject({ code: 'DVR_USAGE' });
  });
});

describe('dvr tables', () => {
  it('knows three bridges, and the router between', async () =>
    expect((await run(tables, 'tables', '--bridge', 'br-out')).text).toContain('br-int, br-tun and br-ex'));
});

describe('dvr walk', () => {
  it('takes no relative path for a namespace, and sends nothing first', async () => {
    const { error } = await run(walk, 'walk', 'vm1', 'vm2', '--probe-in', '../../proc/1/ns/net');
    expect(error).toMatchObject({
      code: 'DVR_USAGE', message: expect.stringContaining('../../proc/1/ns/net') as unknown,
    });
  });
});
