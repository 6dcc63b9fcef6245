import { describe, expect, it } from 'vitest';
import { publishSteps } from '../../../src/lab/publish.js';

const r1 = { name: 'dvr-cn1-qrouter-r1', path: '/proc/7/root/run/netns/qrouter-r1', inode: 41 };

describe('showing the namespaces of nodes outside', () => {
  it('shows one that has no name outside yet', () => {
    expect(publishSteps([r1], new Map())).toEqual({ hide: [], show: [r1] });
  });

  it('does nothing for one that is shown', () => {
    expect(publishSteps([r1], new Map([[r1.name, r1.inode]]))).toEqual({ hide: [], show: [] });
  });

  it('hides one that is gone inside, since the name outside would keep it alive', () => {
    expect(publishSteps([], new Map([[r1.name, r1.inode]]))).toEqual({ hide: [r1.name], show: [] });
  });

  it('hides and shows again one that was made anew under the same name', () => {
    expect(publishSteps([r1], new Map([[r1.name, 40]]))).toEqual({ hide: [r1.name], show: [r1] });
  });

  it('mends a name that has lost its namespace', () => {
    expect(publishSteps([r1], new Map([[r1.name, undefined]]))).toEqual({ hide: [r1.name], show: [r1] });
  });
});
