import { describe, expect, it } from 'vitest';
import { desiredOf } from '../../../src/agents/desired.js';
import { allocateIds, namesOfIds, noIds, type LocalIds } from '../../../src/agents/local-ids.js';
import { outsideTaps, uplinks } from '../../../src/agents/outside-devices.js';
import type { NodeView } from '../../../src/model/node-view.js';
import { cn1Outside, ext, gateway, nn1, withRouter } from './outside.js';
import { cn1 } from './picture.js';

const names = (view: NodeView): string[] => outsideTaps(view).map(({ name }) => name);
const idsOf = (view: NodeView): LocalIds => allocateIds(noIds, view, new Set()).ids;

describe('outsideTaps', () => {
  it('has sg- of every tenant network and qg- on the node that does the SNAT, and nowhere else', () => {
    expect(names(nn1)).toEqual(['sg/r1/red', 'sg/r1/green', 'qg/r1']);
    expect(names(withRouter(nn1, { gateway: { ...gateway, node: 'nn2' } }))).toEqual([]);
    const { node: _, ...nobodys } = gateway;
    expect(names(withRouter(nn1, { gateway: nobodys }))).toEqual([]);
  });

  it('has fg- where the node has a place in the external network', () => {
    expect(names(cn1Outside)).toEqual(['fg/ext']);
  });

  it('has nothing on a node without a wire', () => {
    const { uplink: _, ...wireless } = ext;
    expect(names({ ...nn1, externalNetworks: [wireless] })).toEqual([]);
    expect(names(cn1)).toEqual([]);
  });
});

describe('uplinks', () => {
  it('has one for a wire that two external networks share, large enough for both', () => {
    const vlan = { ...ext, name: 'ext2', mtuBytes: 9000, uplink: { physicalNetwork: 'physnet1', device: 'eth1', vlan: 30 } };
    expect(uplinks({ ...nn1, externalNetworks: [ext, vlan] }))
      .toEqual([{ name: 'uplink/physnet1', device: 'eth1', mtuBytes: 9000 }]);
  });
});

describe('numbers of what lies outside', () => {
  it('are given to devices and to the external network, behind those of the cloud', () => {
    expect(idsOf(nn1)).toEqual({
      ports: { 'qr/r1/red': 16, 'qr/r1/green': 17, 'sg/r1/red': 18, 'sg/r1/green': 19, 'qg/r1': 20, 'uplink/physnet1': 21 },
      localVlans: { red: 1, green: 2, ext: 3 }, routers: { r1: 1 },
    });
  });

  it('are named by router and network, or by the provider network', () => {
    const all = { ...nn1, externalNetworks: cn1Outside.externalNetworks ?? [] };
    expect(namesOfIds(idsOf(all), all).ports.slice(2)).toEqual([
      { id: 18, name: 'r1', kind: 'snat', network: 'red' }, { id: 19, name: 'r1', kind: 'snat', network: 'green' },
      { id: 20, name: 'r1', kind: 'gateway', network: 'ext' }, { id: 21, name: 'ext', kind: 'fip', network: 'ext' },
      { id: 22, name: 'physnet1', kind: 'uplink', network: '' },
    ]);
  });
});

describe('devices of what lies outside', () => {
  it('are opened with the MTU of their own network', () => {
    const view = { ...nn1, externalNetworks: [{ ...ext, mtuBytes: 1400 }] };
    const devices = desiredOf(view, idsOf(view), new Map()).devices;
    expect(devices.filter(({ name }) => /^[sq]g/.test(name))).toEqual([
      { kind: 'tap', name: 'sg/r1/red', portId: 18, mtuBytes: 1500 },
      { kind: 'tap', name: 'sg/r1/green', portId: 19, mtuBytes: 1500 },
      { kind: 'tap', name: 'qg/r1', portId: 20, mtuBytes: 1400 },
    ]);
  });

  it('are the wire and br-ex, and neither on a node without one', () => {
    const outside = (view: NodeView) => desiredOf(view, idsOf(view), new Map()).devices.filter(({ name }) => /^(uplink|br-ex)/.test(name));
    expect(outside(nn1)).toEqual([
      { kind: 'mirror', name: 'br-ex', portId: 4 },
      { kind: 'uplink', name: 'uplink/physnet1', portId: 21, device: 'eth1', mtuBytes: 1500 },
    ]);
    expect(outside(cn1)).toEqual([]);
  });
});
