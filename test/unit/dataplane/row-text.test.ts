import { describe, expect, it } from 'vitest';
import { rowText } from '../../../src/dataplane/row-text.js';
import { admitRows, diffRows, type Row } from '../../../src/dataplane/rows.js';

const textOf = (row: Row): string[] => diffRows(new Map(), admitRows([row]).rows).map(({ bytes }) => {
  const { table, text } = rowText(bytes);
  return `${table}: ${text}`;
});

describe('a packed row as people read it', () => {
  it.each<[Row, string]>([
    [{ table: 'switch', key: { local_vlan: 2, mac: 'fa:16:3e:00:00:03' }, value: { port: 300 } },
      'switch: local_vlan 2, mac fa:16:3e:00:00:03, port 300'],
    [{ table: 'tun_to_lv', key: { vni: 0xabcdef }, value: { local_vlan: 4094 } }, 'tun_to_lv: vni 11259375, local_vlan 4094'],
    [{ table: 'vteps', key: { vtep: '172.16.0.11' }, value: { interop: true } }, 'vteps: vtep 172.16.0.11, interop yes'],
    [{ table: 'vteps', key: { vtep: '2001:db8::11' }, value: { interop: false } }, 'vteps: vtep 2001:db8::11, interop no'],
    [{ table: 'ports', key: { port: 16 }, value: { kind: 'vm', local_vlan: 1, mac: 'fa:16:3e:00:00:03', port_security: true } },
      'ports: port 16, kind vm, local_vlan 1, mac fa:16:3e:00:00:03, port_security yes'],
    [{ table: 'flood', key: { local_vlan: 1, port: 16 }, value: {} }, 'flood: local_vlan 1, port 16'],
  ])('%j', (row, text) => { expect(textOf(row)).toEqual([text]); });

  it('is told by its key alone when it goes', () => {
    const rows = admitRows([{ table: 'switch', key: { local_vlan: 2, mac: 'fa:16:3e:00:00:03' }, value: { port: 17 } }]).rows;
    expect(diffRows(rows, new Map()).map(({ bytes }) => rowText(bytes)))
      .toEqual([{ table: 'switch', text: 'local_vlan 2, mac fa:16:3e:00:00:03' }]);
  });
});
