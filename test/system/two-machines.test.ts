/**
 * The README's recipe for two machines, word for word: its blocks are taken out of the text and run by
 * bash, in order, on the machine that the line above each names. A machine is a network and a mount
 * namespace with its own /run and /var/lib/dvr, and no other thing of ours:
 *
 *     A  eth0 172.16.0.11 ════ veth ════ eth0 172.16.0.12  B
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../../src/lab/scripts.js';
import { until } from '../support/facts.js';
import { run } from '../support/lab.js';

type Machine = 'A' | 'B';
interface Block { readonly on: Machine; readonly says: string; readonly script: string }
interface Output { readonly code: number; readonly text: string }

const kCommandMs = 20_000;
const kRecipeMs = 180_000;
/** A line of "dvr status": the node is connected and has applied a generation. */
const kReadyNode = /^[ab] .* connected +\d+$/gm;
const address: Readonly<Record<Machine, string>> = { A: '172.16.0.11/24', B: '172.16.0.12/24' };

/** The indented blocks of a section; the last sentence that begins with "On A," or "On B," says where. */
function recipe(readme: string, heading: string): Block[] {
  const [, section = ''] = readme.split(`\n## ${heading}\n`);
  const parts = (section.split('\n## ')[0] ?? '').split(
    /\n\n+(?=    \S)|(?<=\n    [^\n]+)\n\n+(?!    )/,
  );
  let on: Machine | undefined;
  let says = '';
  return parts.flatMap((part) => {
    if (!part.startsWith('    ')) {
      says = [...part.matchAll(/\bOn [AB], [^]*?:$/gm)].at(-1)?.[0] ?? says;
      on = says.charAt(3) === 'B' ? 'B' : 'A';
      return [];
    }
    if (on === undefined) throw new Error(`no machine is named above: ${part}`);
    return [{ on, says, script: part.replace(/^ {4}/gm, '') }];
  });
}

const blocks = recipe(readFileSync(join(root, 'README.md'), 'utf8'), 'Two machines');
const blockOf = (part: string): Block => {
  const found = blocks.find(({ says, script }) => says.includes(part) || script.startsWith(part));
  if (found === undefined) throw new Error(`the README has no block for "${part}"`);
  return found;
};

describe('the recipe for two machines', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'dvr-two-'));
  const machines = new Map<Machine, ChildProcess>();
  const started: ChildProcess[] = [];

  const at = (machine: Machine): string[] => {
    const pid = machines.get(machine)?.pid ?? 0;
    return [`--net=/proc/${pid}/ns/net`, `--mount=/proc/${pid}/ns/mnt`, `--wdns=${root}`, '--'];
  };

  /** Runs the lines as if typed, and answers with what they said; what ends with "&" goes on. */
  async function type(on: Machine, script: string): Promise<Output> {
    const file = join(scratch, `output-${started.length}`);
    const output = openSync(file, 'w');
    const child = spawn('nsenter', [
      ...at(on), 'bash', '-e', '-c', script,
    ], { detached: true, stdio: ['ignore', output, output] });
    closeSync(output);
    started.push(child);
    const code = await new Promise<number>((done) => { child.once('exit', (exited) => { done(
      exited ?? 255,
    ); }); });
    return { code, text: readFileSync(file, 'utf8') };
  }

  beforeAll(async () => {
    for (const name of ['A', 'B'] as const) machines.set(name, await machine());
    const [a, b] = [machines.get('A')?.pid, machines.get('B')?.pid];
    await run(
      'ip',
      [
        'link',
        'add',
        'eth0',
        'netns',
        String(a),
        'type',
        'veth',
        'peer',
        'name',
        'eth0',
        'netns',
        String(b),
      ],
      kCommandMs,
    );
    for (const name of ['A', 'B'] as const)
      await run(
        'nsenter',
        [
          ...at(name),
          'sh',
          '-c',
          `ip address add ${address[name]} dev eth0 && ip link set eth0 up && ip link set lo up`,
        ],
        kCommandMs,
      );
  });

  afterAll(() => {
    for (const { pid } of started) endGroup(pid);
    for (const holder of machines.values()) holder.kill('SIGKILL');
    rmSync(scratch, { recursive: true, force: true });
  });

  it('names a machine above each of its blocks, and uses both', () => {
    expect(blocks.map(({ on }) => on)).toEqual(['A', 'A', 'B', 'A', 'A', 'A', 'A']);
  });

  it('works word for word, from the topology to the walk', async () => {
    expect(await type('A', blockOf('describe the deployment').script)).toMatchObject({ code: 0 });
    const key = (await type('A', 'cat /var/lib/dvr/cluster.key')).text.trim();
    expect(
      await type('B', `umask 077; mkdir -p /var/lib/dvr; echo ${key} >/var/lib/dvr/cluster.key`),
    ).toMatchObject(
      { code: 0 },
    );
    expect(await type('A', blockOf('start its three processes').script)).toMatchObject({ code: 0 });
    expect(await type('B', blockOf('its two').script)).toMatchObject({ code: 0 });
    const status = blockOf('wait until this shows').script;
    let said = '';
    await until('both are ready', async () =>
      (said = (await type('A', status)).text).match(kReadyNode)?.length === 2)
      .catch((cause: unknown) => { throw new Error(`the last status was:\n${said}`, { cause }); });
    expect(await type('A', blockOf('plug something in').script)).toMatchObject({
      code: 0, text: expect.stringMatching(/web .* up\n[^]*db .* up\n/) as string,
    });
    const worked = await type('A', blockOf('see it work').script);
    expect(worked).toMatchObject({
      code: 0, text: expect.stringContaining('3 received') as string,
    });
    for (const step of [
      'EW1', 'EW2', 'EW3', 'EW4', 'EW5', 'EW6', 'EW7', 'DELIVERED to db on b',
    ]) expect(worked.text).toContain(step);
    // What VXLAN adds to the underlay's 1500 bytes is taken from the networks.
    expect((await type('B', 'ip -n db link show dev eth0')).text).toContain('mtu 1450');
    expect(await type('A', blockOf('unplug again').script)).toMatchObject({ code: 0 });
    expect((await type('B', 'ip -n db link show')).text).not.toContain('eth0');
  }, kRecipeMs);

  it('lets nobody in who has another key', async () => {
    const stranger =
      await type('B', 'scripts/dvr init --key /run/other.key; timeout 3 scripts/dvr agent --node b '
      + '--controller 172.16.0.11:4790 --key /run/other.key --vtep-ip 172.16.0.12');
    expect(stranger.text).not.toContain('registered with the controller');
  });
});

/** Holds the namespaces of one machine until it is killed. */
function machine(): Promise<ChildProcess> {
  const prepare =
    'mount -t sysfs sysfs /sys; mount -t tmpfs none /run; mkdir /run/netns; '
    + 'mount -t tmpfs none /var/lib/dvr; echo ready; exec sleep infinity';
  const child = spawn('setpriv', [
    '--pdeathsig', 'KILL', 'unshare', '--net', '--mount', '--propagation', 'private', 'bash', '-e',
    '-c', prepare,
  ],
    { stdio: ['ignore', 'pipe', 'inherit'] });
  return new Promise((done, failed) => {
    child.stdout.once('data', () => { done(child); });
    child.once('exit', () => { failed(new Error('a machine did not come up')); });
  });
}

/** Ends a block's bash and all that it left running. */
function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // Most blocks leave nothing running.
  }
}
