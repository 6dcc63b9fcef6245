import { describe, expect, it } from 'vitest';
import { answerCall } from '../../../src/agents/node-calls.js';

const parts = {
  dataplane: () => { throw new Error('a probe needs no dataplane'); },
  numbers: () => ({ ports: [], localVlans: [], routerNumbers: [] }),
};

describe('a probe', () => {
  it.each(['../../proc/1/ns/net', '..', '.', '', 'a/b', 'a\0b'])(
    'is not sent from %j, which is no name of a namespace',
    async (netns) => {
      const wish = { netns, target: '10.1.0.1', count: 1 };
      await expect(answerCall(parts, 'probe', wish)).rejects.toMatchObject({
        code: 'DVR_USAGE', message: expect.stringContaining('netns') as unknown,
      });
    });
});
