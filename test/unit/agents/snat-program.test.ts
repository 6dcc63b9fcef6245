/** Which rows lead to the node that does r1's source NAT, on a compute node and on that node itself. */
import { describe, expect, it } from 'vitest';
import { snatProgram } from '../../../src/agents/l2/snat-program.js';
import { allocateIds, noIds, type LocalIds } from '../../../src/agents/local-ids.js';
import { nodeRows } from '../../../src/agents/node-rows.js';
import { admitRows, type TableName } from '../../../src/dataplane/rows.js';
import { nothingLearned } from '../../../src/agents/l2/learned.js';
import { allByNamespace } from '../../../src/agents/l3/router-ways.js';
import type { NodeView } from '../../../src/model/node-view.js';
import { cn1Outside, gateway, nn1, outsideMac, withRouter } from './outside.js';
import { mac } from './picture.js';

const compute: NodeView = {
  ...cn1Outside,
  peers: [...cn1Outside.peers, { name: 'nn1', vtepIp: '172.16.0.21', dvrMac: 'fa:16:3f:00:00:03', interop: false }],
};
const idsOf = (view: NodeView): LocalIds => allocateIds(noIds, view, new Set()).ids;
const rowsOf = (table: TableName, view: NodeView, ids = idsOf(view)): unknown[] =>
  snatProgram(view, ids).filter((row) => row.table === table).map(({ key, value }) => ({ ...key, ...value }));
const withGateway = (view: NodeView, change: Partial<typeof gateway>): NodeView => withRouter(view, { gateway: { ...gateway, ...change } });

describe('rows of snat_gateways (NS5, NS7)', () => {
  it('lead a compute node to the network node, from each network of the router', () => {
    expect(rowsOf('snat_gateways', compute)).toEqual([
      { local_vlan: 1, mac: mac.redGateway, vtep: '172.16.0.21' },
      { local_vlan: 2, mac: mac.greenGateway, vtep: '172.16.0.21' },
    ]);
  });

  it('say on the network node that it is the one', () => {
    expect(rowsOf('snat_gateways', nn1)).toEqual([
      { local_vlan: 1, mac: mac.redGateway, vtep: '' }, { local_vlan: 2, mac: mac.greenGateway, vtep: '' },
    ]);
  });

  it('are none with the short way, without a node, with one that is no peer yet, and without a gateway', () => {
    const { node: _, ...nobodys } = gateway;
    for (const view of [withGateway(compute, { snatPath: 'direct' }), withRouter(compute, { gateway: nobodys }), cn1Outside]) {
      expect(rowsOf('snat_gateways', view)).toEqual([]);
    }
    expect(snatProgram({ ...compute, routers: [] }, idsOf(compute))).toEqual([]);
  });
});

describe('rows of sg- ports (NS8)', () => {
  it('are those of a trusted port of each tenant network, which other nodes\' routers reach by its MAC', () => {
    expect(rowsOf('ports', nn1)).toEqual([
      { port: 18, kind: 'snat', local_vlan: 1, mac: outsideMac.sgRed, port_security: false },
      { port: 19, kind: 'snat', local_vlan: 2, mac: outsideMac.sgGreen, port_security: false },
    ]);
    expect(rowsOf('switch', nn1)).toContainEqual({ local_vlan: 1, mac: outsideMac.sgRed, port: 18 });
    expect(rowsOf('flood', nn1)).toEqual([{ local_vlan: 1, port: 18 }, { local_vlan: 2, port: 19 }]);
    expect(rowsOf('dvr_to_src_mac', nn1)).toContainEqual(
      { local_vlan: 2, mac: outsideMac.sgGreen, ip: '', gateway_mac: mac.greenGateway, port: 19 });
  });

  it('are there with either way, and only where the SNAT namespace is', () => {
    expect(rowsOf('ports', withGateway(nn1, { snatPath: 'direct' }))).toHaveLength(2);
    expect(rowsOf('ports', withGateway(nn1, { node: 'nn2' }))).toEqual([]);
    expect(rowsOf('ports', compute)).toEqual([]);
  });

  it('are left out while their device has no number', () => {
    expect(rowsOf('ports', nn1, { ...idsOf(nn1), ports: {} })).toEqual([]);
  });
});

describe('rows of a node with a way out', () => {
  it('can all be written, and lead a compute node to sg- by its VTEP', () => {
    for (const view of [compute, nn1]) {
      const rows = [...nodeRows(view, idsOf(view), nothingLearned, allByNamespace)];
      expect(admitRows(rows).faults).toEqual([]);
    }
    const rows = [...nodeRows(compute, idsOf(compute), nothingLearned, allByNamespace)];
    expect(rows).toContainEqual({
      table: 'ucast_to_tun', key: { local_vlan: 1, mac: outsideMac.sgRed },
      value: { vtep: '172.16.0.21', learned: false, stale: false },
    });
    expect(rows).toContainEqual(
      { table: 'neighbours', key: { local_vlan: 1, ip: '10.1.0.5' }, value: { mac: outsideMac.sgRed, router: false, movable: false } });
  });
});
