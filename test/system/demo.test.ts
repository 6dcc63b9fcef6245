/**
 * `scripts/demo` on a machine where everything is installed: it shows the walk, can be run again, and
 * `scripts/demo --down` leaves nothing, as asked of the kernel and not of the lab.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { root } from '../../src/lab/scripts.js';
import { type Ran, run } from '../support/lab.js';

const kDemoMs = 120_000;
const demo = (...words: string[]): Promise<Ran> => run(join(root, 'scripts/demo'), words, kDemoMs);

const listed = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder) : []);

/** All that a lab consists of while it runs. */
async function machine(): Promise<Record<string, string[]>> {
  const links = JSON.parse(
    (await run('ip', ['-json', 'link', 'show'], kDemoMs)).stdout,
  ) as { ifname: string }[];
  const commands = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry)).map(commandOf);
  return {
    namespaces: listed('/run/netns'), links: links.map(({ ifname }) => ifname),
    processes: commands.filter((command) => /^dvr[ -]|dist\/cli\/main\.js/.test(command)),
    runDir: listed('/run/dvr'), stateDir: listed('/var/lib/dvr'),
  };
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
}

describe('scripts/demo', () => {
  afterAll(async () => { await demo('--down'); });

  it('shows the seed\'s picture at work, twice if it is run twice, and takes away all of it', async () => {
    const before = await machine();
    const first = await demo();
    expect(first).toMatchObject({
      code: 0, stdout: expect.stringContaining('DELIVERED to vm2 on cn2') as string,
    });
    for (const fact of ['EW1', 'EW7']) expect(first.stdout).toContain(fact);
    expect(first.stdout.match(/3 received/g)).toHaveLength(4);
    expect(first.stdout).toMatch(/this is 198\.51\.100\.9, you are 203\.0\.113\.\d+ port/);
    expect(first.stdout).toContain('this is 203.0.113.10, you are 203.0.113.101 port');
    expect((await machine())['namespaces']).toContain('dvr-cn1');
    const second = await demo('--json');
    expect(JSON.parse(second.stdout)).toMatchObject({
      lab: { converged: true }, walk: { outcome: { kind: 'delivered', to: 'vm2' } },
    });
    expect(await demo('--down')).toMatchObject({
      code: 0, stderr: expect.stringContaining('nothing is left') as string,
    });
    expect(await machine()).toEqual(before);
  }, 3 * kDemoMs);

  it('has nothing to take down where nothing is up', async () => {
    expect(await demo('--down')).toMatchObject({ code: 0 });
  });

  it('says how it is used when it is used wrongly', async () => {
    expect(await demo('--nonsense')).toMatchObject({
      code: 2, stderr: expect.stringContaining('scripts/demo --down') as string,
    });
  });
});
