import { describe, expect, it } from 'vitest';
import {
  admitRows, diffRows, encodeBatch, replaceAll, rowsFromDump, type Operation, type PackedRows, type Row,
} from '../../../src/dataplane/rows.js';
import { tables } from '../../../src/dataplane/pipeline.js';

const packed = (rows: readonly Row[]): PackedRows => admitRows(rows).rows;
const changes = (before: readonly Row[], after: readonly Row[]): Operation[] => diffRows(packed(before), packed(after));
const batchOf = (rows: readonly Row[]): Buffer => Buffer.from(encodeBatch(7, changes([], rows)));
const inSwitch = (mac: string, port: number, localVlan = 1): Row =>
  ({ table: 'switch', key: { local_vlan: localVlan, mac }, value: { port } });
const inUcast = (vtep: string): Row =>
  ({ table: 'ucast_to_tun', key: { local_vlan: 1, mac: 'fa:16:3e:00:00:01' }, value: { vtep, learned: false, stale: false } });
const numberOf = (name: string): number => tables.find((table) => table.name === name)?.id ?? -1;
const mac = 'fa:16:3e:00:00:01';

describe('encodeBatch', () => {
  it('writes header and rows as native/tables/batch.hpp says', () => {
    const batch = batchOf([inSwitch(mac, 16)]);
    expect(batch.toString('hex')).toBe(
      `44565242${'0100'}${'0000'}${'0700000000000000'}` + `01${Buffer.from([numberOf('switch')]).toString('hex')}0100fa163e0000011000`);
  });

  it('writes only the key of a deleted row, and nothing but the table of a cleared one', () => {
    const deleted = encodeBatch(1, changes([inSwitch(mac, 16)], []));
    expect(deleted.length).toBe(16 + 2 + 8);
    expect(encodeBatch(1, replaceAll(new Map())).length).toBe(16 + tables.length * 2);
  });

  it('maps IPv4 into 16 bytes and writes "any" as zero', () => {
    const bytesOf = (ip: string): string => batchOf([inUcast(ip)]).subarray(26, 42).toString('hex');
    expect(bytesOf('172.16.0.12')).toBe('00000000000000000000ffffac10000c');
    expect(bytesOf('fd00::12')).toBe('fd000000000000000000000000000012');
    expect([bytesOf(''), bytesOf('::')]).toEqual(['0'.repeat(32), '0'.repeat(32)]);
  });

  it('names table, field and value of what cannot be written', () => {
    const fault = (row: Row): string => admitRows([row]).faults[0]?.message ?? '';
    expect(fault(inSwitch('nonsense', 16))).toBe('table switch, field mac: "nonsense" is no MAC address');
    expect(fault(inSwitch(mac, 4096))).toBe('table switch, field port: 4096 is not a whole number from 0 to 4095');
    expect(fault(inSwitch(mac, 16, 4095))).toContain('field local_vlan: 4095');
    expect(fault(inUcast('300.1.1.1'))).toContain('field vtep: "300.1.1.1" is no IP address');
  });

  it.each(['fa:16:3e:00:00', 'fa:16:3e:00:00:0g', 'fa:16:3e:00:00:011', 'fa-16-3e-00-00-01', 'fa:16:3e:00:00:0:', 7])(
    'takes %s for no MAC address', (text) => {
      expect(admitRows([inSwitch(text as string, 16)]).faults).toHaveLength(1);
    });

  it.each(['1.2.3', '1.2.3.4.5', '1.2.3.256', '1.2.3.04', '1..2.3', '1.2.3.4 ', '.1.2.3', 'fe80::1%eth0', 'fd00::12345', '::1::'])(
    'takes %j for no IP address', (text) => {
      expect(admitRows([inUcast(text)]).faults).toHaveLength(1);
    });

  it('writes a MAC address the same in capitals', () => {
    expect(batchOf([inSwitch('FA:16:3E:AB:CD:EF', 16)])).toEqual(batchOf([inSwitch('fa:16:3e:ab:cd:ef', 16)]));
  });

  it('grows with the rows', () => {
    const rows = Array.from({ length: 2000 }, (_, at) => inSwitch(`fa:16:3e:00:${(at >> 8).toString(16).padStart(2, '0')}:${(at & 255).toString(16).padStart(2, '0')}`, 16));
    expect(encodeBatch(1, replaceAll(packed(rows))).length).toBe(16 + tables.length * 2 + 2000 * 12);
  });
});

describe('diffRows', () => {
  it('puts what is new or changed before it deletes what is gone', () => {
    const before = [inSwitch('fa:16:3e:00:00:01', 16), inSwitch('fa:16:3e:00:00:02', 17), inSwitch('fa:16:3e:00:00:03', 18)];
    const after = [inSwitch('fa:16:3e:00:00:02', 17), inSwitch('fa:16:3e:00:00:03', 20), inSwitch('fa:16:3e:00:00:04', 19)];
    const puts = [inSwitch('fa:16:3e:00:00:03', 20), inSwitch('fa:16:3e:00:00:04', 19)];
    const [deleted] = packed(before.slice(0, 1)).keys();
    expect(changes(before, after)).toEqual([...changes([], puts), { operation: 'delete', bytes: deleted }]);
  });

  it('finds nothing to do between two spellings of one address', () => {
    expect(changes([inUcast('fd00:0::1')], [inUcast('fd00::1')])).toEqual([]);
  });

  it('finds nothing to do between rows and what a dump shows of them', () => {
    const dump = [{ table: 'switch', rows: [{ local_vlan: 1, mac, port: 16 }] }];
    expect(diffRows(rowsFromDump(dump), packed([inSwitch(mac, 16)]))).toEqual([]);
  });
});

describe('admitRows', () => {
  it('keeps the first of two rows with one key', () => {
    const { rows, faults } = admitRows([inSwitch(mac, 16), inSwitch(mac, 17)]);
    expect(rows).toEqual(packed([inSwitch(mac, 16)]));
    expect(faults).toEqual([]);
  });

  it('leaves out a row that cannot be written and keeps the others', () => {
    const { rows, faults } = admitRows([inSwitch('bad', 16), inSwitch(mac, 16)]);
    expect(rows).toEqual(packed([inSwitch(mac, 16)]));
    expect(faults).toMatchObject([{ message: 'table switch, field mac: "bad" is no MAC address' }]);
  });

  it('leaves out what no longer fits its table', () => {
    const limit = tables.find(({ name }) => name === 'vteps')?.limit ?? 0;
    const rows = Array.from({ length: limit + 1 }, (_, at): Row =>
      ({ table: 'vteps', key: { vtep: `10.0.${String(at >> 8)}.${String(at & 255)}` }, value: { interop: false } }));
    expect(admitRows(rows).faults).toMatchObject([{ row: rows[limit], message: `table vteps is full (${String(limit)} rows)` }]);
  });
});
