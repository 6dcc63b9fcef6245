/** Which rows lead between the provider's wire and the namespaces' devices, on a compute node and on a network node. */
import { describe, expect, it } from 'vitest';
import { brExProgram } from '../../../src/agents/l2/br-ex-program.js';
import { allocateIds, noIds, type LocalIds } from '../../../src/agents/local-ids.js';
import { admitRows, type TableName } from '../../../src/dataplane/rows.js';
import type { NodeView } from '../../../src/model/node-view.js';
import { cn1Outside, ext, gateway, nn1, outsideMac, withRouter } from './outside.js';
import { cn1 } from './picture.js';

const idsOf = (view: NodeView): LocalIds => allocateIds(noIds, view, new Set()).ids;
const rowsOf = (table: TableName, view: NodeView, ids = idsOf(view)): unknown[] =>
  brExProgram(view, ids).filter((row) => row.table === table).map(({ key, value }) => ({ ...key, ...value }));
const uplinkRow = (port: number) => ({ port, kind: 'uplink', local_vlan: 0, mac: '00:00:00:00:00:00', port_security: false });

describe('rows of br-ex', () => {
  it('know qg- and the wire on the node that does the source NAT', () => {
    expect(rowsOf('ports', nn1)).toEqual([
      uplinkRow(21), { port: 20, kind: 'external', local_vlan: 3, mac: outsideMac.qg, port_security: false },
    ]);
    expect(rowsOf('ex_switch', nn1)).toEqual([{ local_vlan: 3, mac: outsideMac.qg, port: 20 }]);
    expect(rowsOf('ex_flood', nn1)).toEqual([{ local_vlan: 3, port: 20 }]);
  });

  it('know fg- and the wire on a compute node, and no qg-', () => {
    const ids = idsOf(cn1Outside);
    expect(rowsOf('ex_switch', cn1Outside)).toEqual([{ local_vlan: 3, mac: outsideMac.fg, port: ids.ports['fg/ext'] }]);
    expect(rowsOf('ports', cn1Outside)).toHaveLength(2);
  });

  it('turn a flat network\'s local VLAN into no tag and back', () => {
    expect(rowsOf('provider_in', nn1)).toEqual([{ port: 21, vlan: 0, local_vlan: 3 }]);
    expect(rowsOf('provider_out', nn1)).toEqual([{ local_vlan: 3, port: 21, vlan: 0 }]);
  });

  it('share one wire between networks with a VLAN each', () => {
    const ext2 = { ...ext, name: 'ext2', uplink: { physicalNetwork: 'physnet1', device: 'eth1', vlan: 100 } };
    const view = { ...nn1, externalNetworks: [ext, ext2] };
    expect(rowsOf('provider_in', view)).toEqual([
      { port: 21, vlan: 0, local_vlan: 3 }, { port: 21, vlan: 100, local_vlan: 4 },
    ]);
    expect(rowsOf('provider_out', view)).toContainEqual({ local_vlan: 4, port: 21, vlan: 100 });
    expect(rowsOf('ports', view)).toContainEqual(uplinkRow(21));
  });

  it('are none without a wire, and none for a gateway that is another node\'s', () => {
    const { uplink: _, ...wireless } = ext;
    expect(brExProgram(cn1, idsOf(cn1))).toEqual([]);
    expect(brExProgram({ ...nn1, externalNetworks: [wireless] }, idsOf(nn1))).toEqual([]);
    expect(rowsOf('ex_switch', withRouter(nn1, { gateway: { ...gateway, node: 'nn2' } }))).toEqual([]);
  });

  it('are left out while a device or the network has no number', () => {
    expect(brExProgram(nn1, { ...idsOf(nn1), ports: {} })).toEqual([]);
    expect(brExProgram(nn1, { ...idsOf(nn1), localVlans: {} }).map(({ table }) => table)).toEqual(['ports']);
  });

  it('can all be written', () => {
    for (const view of [nn1, cn1Outside]) expect(admitRows(brExProgram(view, idsOf(view))).faults).toEqual([]);
  });
});
