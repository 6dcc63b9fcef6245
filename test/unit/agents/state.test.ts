import { mkdtempSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { noIds } from '../../../src/agents/local-ids.js';
import { loadState, saveState } from '../../../src/agents/state.js';
import { cn1, ids } from './picture.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dvr-state-'));
  vi.stubEnv('DVR_STATE_DIR', folder);
});

describe('an agent\'s state on disk', () => {
  it('is empty on a new node', async () => {
    expect(await loadState('cn1')).toEqual({ ids: noIds, namespaces: [], plugs: [] });
  });

  it('comes back as it was saved, and leaves no half-written file', async () => {
    const state = { ids, view: cn1, namespaces: ['qrouter-r1'], plugs: [] };
    await saveState('cn1', state);
    expect(await loadState('cn1')).toEqual(state);
    expect(readdirSync(join(folder, 'cn1'))).toEqual(['agent.json']);
  });

  it.each([['{', 'it is no JSON'], ['{"version":0}', 'it was written by another version']])(
    'is refused where it cannot be trusted: %s', async (text, why) => {
      mkdirSync(join(folder, 'cn1'));
      writeFileSync(join(folder, 'cn1', 'agent.json'), text);
      await expect(loadState('cn1')).rejects.toMatchObject({ code: 'DVR_STATE_UNREADABLE', message: expect.stringContaining(why) as string });
    });
});
