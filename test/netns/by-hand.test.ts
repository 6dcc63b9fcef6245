/** What a person does by hand in a router namespace is undone at once, by the node itself. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { withLab } from '../support/lab.js';

/** The agent hears of it; its next look by itself would come after 30 s. */
const kSoonMs = 10_000;
const kPollMs = 200;

describe('a router namespace that somebody changes by hand', () => {
  const lab = withLab();
  const inside = ['ip', '-netns', 'qrouter-r1'];
  const neighbours = async (): Promise<string> =>
    (await lab.exec('cn1', [...inside, 'neigh', 'show', 'nud', 'permanent'])).stdout.split('\n').sort().join('\n');

  it.each<[string, string[][]]>([
    ['a device set down and up again', [[...inside, 'link', 'set', 'qr-green', 'down'], [...inside, 'link', 'set', 'qr-green', 'up']]],
    ['a device left down', [[...inside, 'link', 'set', 'qr-red', 'down']]],
    ['a neighbour deleted', [[...inside, 'neigh', 'del', '10.2.0.12', 'dev', 'qr-green']]],
    ['a device deleted', [[...inside, 'link', 'del', 'qr-green']]],
    ['the namespace deleted', [['ip', 'netns', 'del', 'qrouter-r1']]],
  ])('is soon as it was: %s', async (_, commands) => {
    const before = await neighbours();
    expect(before).toContain('10.2.0.12');
    for (const command of commands) expect(await lab.exec('cn1', command)).toMatchObject({ code: 0, stderr: '' });
    expect(await neighbours()).not.toBe(before);
    const deadline = performance.now() + kSoonMs;
    while (await neighbours() !== before && performance.now() < deadline) await sleep(kPollMs);
    expect(await neighbours()).toBe(before);
    expect(await lab.ping('vm1', '10.2.0.12')).toBe(3);
  });
});
