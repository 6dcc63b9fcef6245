/** The README's deployment with a way out, word for word, in a lab; and changed while it runs, as it says there. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { root } from '../../src/lab/scripts.js';
import { controllerSocket } from '../../src/model/paths.js';
import { addVm, mustBeZero } from '../support/cloud.js';
import { run, withLab } from '../support/lab.js';
import { host, untilPings, visitorOf } from '../support/outside.js';

const [, section = ''] = readFileSync(join(root, 'README.md'), 'utf8').split('\n## A way out\n');
const blocks = [...section.matchAll(/(?:^ {4}.*\n)+/gm)].map(([block]) => block.replace(/^ {4}/gm, ''));
const blockOf = (start: string): string => {
  const found = blocks.find((block) => block.startsWith(start));
  if (found === undefined) throw new Error(`the README has no block that begins with "${start}"`);
  return found;
};
const topology = blockOf('underlay:');
const kCommandMs = 10_000;

describe('the README\'s deployment with a way out', () => {
  const lab = withLab(topology);
  const folder = mkdtempSync(join(tmpdir(), 'dvr-way-out-'));
  afterAll(() => { rmSync(folder, { recursive: true, force: true }); });
  const put = async (text: string): Promise<string> => {
    const file = join(folder, 'topology.yaml');
    writeFileSync(file, text);
    const command = blockOf('curl').replace('/run/dvr/controller.sock', controllerSocket()).replace('/var/lib/dvr/topology.yaml', file);
    return mustBeZero(await run('bash', ['-c', command], kCommandMs)).stdout;
  };

  it('lets a VM out by its floating IP from where it is plugged in, and as the router when it has none any more', async () => {
    await addVm(lab, 'web', { network: 'red', node: 'b' });
    await untilPings(lab, 'ext', '203.0.113.101');
    expect(await visitorOf(lab, 'web', host)).toBe('203.0.113.101');
    const { stdout } = await lab.dvr('status');
    for (const line of blockOf('external network').split('\n').filter((one) => !/^router|^$/.test(one))) expect(stdout).toContain(line);

    expect(await put(topology.replace(/floating_ips:[^]*/, ''))).toMatch(/generation/);
    await untilPings(lab, 'ext', '203.0.113.101', false);
    expect(await visitorOf(lab, 'web', host)).toBe('203.0.113.20');

    expect(await put(topology.replace('203.0.113.101', '192.0.2.101'))).toContain('192.0.2.101 is in no subnet of an external network');
    expect(await visitorOf(lab, 'web', host)).toBe('203.0.113.20');
  });
});
