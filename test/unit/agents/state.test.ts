import { mkdtempSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { noIds } from '../../../src/agents/local-ids.js';
import { loadState, stateKeeper } from '../../../src/agents/state.js';
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
    const made = { ids, namespaces: ['qrouter-r1'], plugs: [] };
    const keeper = stateKeeper('cn1');
    await keeper.save(made);
    expect(await loadState('cn1')).toEqual(made);
    await keeper.saveView(cn1);
    expect(await loadState('cn1')).toEqual({ ...made, view: cn1 });
    expect(readdirSync(join(folder, 'cn1')).sort()).toEqual(['agent.json', 'view.json']);
  });

  it('is written again only where it has changed', async () => {
    const keeper = stateKeeper('cn1');
    const made = { ids, namespaces: ['qrouter-r1'], plugs: [] };
    await keeper.save(made);
    await keeper.saveView(cn1);
    for (const file of ['agent.json', 'view.json']) rmSync(join(folder, 'cn1', file));
    await keeper.save({ ...made });
    await keeper.saveView(cn1);
    expect(readdirSync(join(folder, 'cn1'))).toEqual([]);
    await keeper.save({ ...made, namespaces: [] });
    await keeper.saveView({ ...cn1, generation: cn1.generation + 1 });
    expect(await loadState('cn1')).toMatchObject({ namespaces: [], view: { generation: cn1.generation + 1 } });
  });

  it.each([['{', 'it is no JSON'], ['{"version":0}', 'it was written by another version']])(
    'is refused where it cannot be trusted: %s', async (text, why) => {
      mkdirSync(join(folder, 'cn1'));
      writeFileSync(join(folder, 'cn1', 'agent.json'), text);
      await expect(loadState('cn1')).rejects.toMatchObject({ code: 'DVR_STATE_UNREADABLE', message: expect.stringContaining(why) as string });
    });
});
