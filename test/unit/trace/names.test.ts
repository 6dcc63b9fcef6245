import { describe, expect, it } from 'vitest';
import { macName, namesOf } from '../../../src/trace/names.js';
import { macs, viewOf, vteps } from './crafted.js';

describe('names', () => {
  const names = namesOf([viewOf('cn1')]);

  it('of MACs are in the words of the seed', () => {
    expect(Object.values(macs).map((mac) => macName(names, mac))).toEqual([
      'vm1', 'vm2', 'vm3', 'vm4', 'r1-red-mac', 'r1-green-mac',
      'DVR MAC of cn1', 'DVR MAC of cn2', 'DVR MAC of nn1',
    ]);
  });

  it('of a node and its VTEP lead to each other, interop VTEPs among them', () => {
    expect(names.nodeOfVtep(vteps.cn2)).toMatchObject({ name: 'cn2', dvrMac: macs.dvrCn2 });
    expect(names.node('leaf1')).toMatchObject({ vtepIp: vteps.leaf1, interop: true });
    expect(names.node(undefined)).toBeUndefined();
  });

  it('keep to the network they are asked for', () => {
    expect(names.portOfIp('10.1.0.11', 'red')?.name).toBe('vm1');
    expect(names.portOfIp('10.1.0.11', 'green')).toBeUndefined();
    expect(names.routerOfIp('10.2.0.1', 'red')).toBeUndefined();
    expect(names.isAddressOfRouter('10.2.0.1', 'r1')).toBe(true);
    expect(names.isAddressOfRouter('10.2.0.1', 'r2')).toBe(false);
  });
});
