import { describe, expect, it } from 'vitest';
import { allocateIds, namesOfIds, noIds } from '../../../src/agents/local-ids.js';
import { cn1, ids } from './picture.js';

const nobody = new Set<string>();

describe('allocateIds', () => {
  it('numbers ports from 16 and local VLANs from 1', () => {
    expect(allocateIds(noIds, cn1, nobody)).toEqual({ ids, faults: [] });
  });

  it('keeps every number that is still needed', () => {
    const before = { ports: { 'vm/vm4': 16, 'vm/vm1': 40 }, localVlans: { green: 1 }, routers: {} };
    const { ids: after } = allocateIds(before, cn1, nobody);
    expect(after.ports).toMatchObject({ 'vm/vm4': 16, 'vm/vm1': 40 });
    expect(after.localVlans).toEqual({ green: 1, red: 2 });
  });

  it('gives a freed number again, but not while its device is open', () => {
    const before = { ports: { 'vm/old': 16 }, localVlans: {}, routers: {} };
    expect(allocateIds(before, cn1, nobody).ids.ports['vm/vm1']).toBe(16);
    const held = allocateIds(before, cn1, new Set(['vm/old'])).ids.ports;
    expect([held['vm/old'], held['vm/vm1']]).toEqual([16, 17]);
  });

  it('reports what gets no number and numbers the rest', () => {
    const networks = Array.from({ length: 4095 }, (_, at) => ({ ...cn1.networks[0]!, name: `n${String(at)}` }));
    const { ids: after, faults } = allocateIds(noIds, { ...cn1, networks }, nobody);
    expect(Object.keys(after.localVlans)).toHaveLength(4094);
    expect(faults.map(({ code }) => code)).toEqual(['DVR_LOCAL_VLAN_EXHAUSTED']);
  });
});

describe('namesOfIds', () => {
  it('names a VM\'s port by the port and a router\'s by the router', () => {
    expect(namesOfIds(ids, cn1).ports).toEqual([
      { id: 16, name: 'vm1', kind: 'vm', network: 'red' }, { id: 17, name: 'vm4', kind: 'vm', network: 'green' },
      { id: 18, name: 'r1', kind: 'router', network: 'red' }, { id: 19, name: 'r1', kind: 'router', network: 'green' },
    ]);
  });
});
