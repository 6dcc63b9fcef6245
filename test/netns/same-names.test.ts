/** A lab on a machine that has namespaces of the same names as the lab's nodes, as a real node has. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run, withLab } from '../support/lab.js';

const kCommandMs = 10_000;
describe('a machine that has a qrouter-r1 of its own', () => {
  beforeAll(() => run('ip', ['netns', 'add', 'qrouter-r1'], kCommandMs));
  const lab = withLab();
  afterAll(() => run('ip', ['netns', 'del', 'qrouter-r1'], kCommandMs));

  it("is shown the node's one under the node's name, not its own", async () => {
    const stat = ['stat', '--dereference', '--format', '%i'];
    const inside = await lab.exec('cn1', [...stat, '/run/netns/qrouter-r1']);
    const shown = await run('stat', [...stat.slice(1), '/run/netns/dvr-cn1-qrouter-r1'], kCommandMs);
    const own = await run('stat', [...stat.slice(1), '/run/netns/qrouter-r1'], kCommandMs);
    expect(shown.stdout).toBe(inside.stdout);
    expect(shown.stdout).not.toBe(own.stdout);
  });
});
