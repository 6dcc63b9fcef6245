/** What the API says of resources is settled after every command, whoever gave it. */
import { describe, expect, it } from 'vitest';
import type { ControllerState } from '../../../src/controller/intent.js';
import { recordById, recordOf, uuidOf } from '../../../src/controller/records.js';
import type { Kind } from '../../../src/controller/resource-index.js';
import { externalState, externalText } from './external.js';
import { apply, attachCommand, run } from './support.js';

const revision = ({ intent }: ControllerState, kind: Kind, key: string): number | undefined =>
  recordOf(intent, kind, key)?.revision;

describe('records', () => {
  it('are there for everything a client can list, the ports of routers and the way out among it', () => {
    const { records } = externalState().intent;
    const keys = [...records.keys()];
    expect(keys).toEqual(expect.arrayContaining([
      'network red', 'network ext', 'subnet red/10.1.0.0/24', 'port vm1', 'router r1',
      'port qr/r1/red', 'port qg/r1', 'port sg/r1/red', 'agent l2/cn1', 'agent l3/cn1',
    ]));
    expect(new Set([...records.values()].map(({ id }) => id)).size).toBe(keys.length);
  });

  it('stay as they are when the same is applied again', () => {
    const state = externalState();
    expect(run(state, apply(externalText)).intent.records).toEqual(state.intent.records);
  });

  it('count a revision for what has changed, and for nothing else', () => {
    const state = externalState();
    const after = run(state, { command: 'setAllowedPairs', name: 'vm1', pairs: [] }, attachCommand('c1', { network: 'red', node: 'cn1' }));
    expect(revision(after, 'port', 'c1')).toBe(1);
    const changed = run(after, { command: 'updatePort', name: 'c1', changes: {} });
    expect(revision(changed, 'port', 'c1')).toBe(1);
    const detached = run(after, { command: 'updatePort', name: 'vm1', changes: { ips: (after.intent.ports.get('vm1')?.ips ?? []).slice(0, 1) } });
    expect(revision(detached, 'network', 'red')).toBe(1);
  });

  it('go with what they are of, and are another when it comes again', () => {
    const state = run(externalState(), attachCommand('c1', { network: 'red', node: 'cn1' }));
    const first = recordOf(state.intent, 'port', 'c1');
    const gone = run(state, { command: 'detachPort', name: 'c1' });
    expect(recordOf(gone.intent, 'port', 'c1')).toBeUndefined();
    expect(recordById(gone.intent, 'port', first?.id ?? '')).toBeUndefined();
    const again = run(gone, attachCommand('c1', { network: 'red', node: 'cn1' }));
    expect(recordOf(again.intent, 'port', 'c1')?.id).not.toBe(first?.id);
  });

  it('have UUIDs', () => {
    expect(uuidOf('network red')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});
