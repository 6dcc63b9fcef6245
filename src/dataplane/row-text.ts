/** Packed rows as people read them: the way back from the bytes that rows.ts and fields.ts make. */
import ipaddr from 'ipaddr.js';
import { fieldBytes, portKindOf, type FieldType } from './fields.js';
import type { FieldDescription } from './native.js';
import { tables } from './pipeline.js';

export interface RowText {
  readonly table: string;
  /** `field value` for each, the key first. */
  readonly text: string;
}

/**
 * @param packed a key, or a key and its value.
 * @example
 * rowText(operation.bytes)   // { table: 'switch', text: 'local_vlan 1, mac fa:16:3e:00:00:03, port 17' }
 */
export function rowText(packed: string): RowText {
  const bytes = Buffer.from(packed, 'latin1');
  const table = tables.find(({ id }) => id === bytes[0]);
  if (table === undefined) return { table: `number ${String(bytes[0])}`, text: bytes.toString('hex') };
  const fields: readonly FieldDescription[] = [...table.key, ...table.value];
  const words: string[] = [];
  let at = 1;
  for (const { name, type } of fields) {
    if (at >= bytes.length) break;
    words.push(`${name} ${fieldText(bytes.subarray(at, at + fieldBytes[type]), type)}`);
    at += fieldBytes[type];
  }
  return { table: table.name, text: words.join(', ') };
}

function fieldText(bytes: Buffer, type: FieldType): string {
  switch (type) {
    case 'mac': return bytes.toString('hex').replace(/..(?=.)/g, '$&:');
    case 'ip': return ipText(bytes);
    case 'port_kind': return portKindOf(bytes[0] ?? 0) ?? `kind ${String(bytes[0])}`;
    case 'bool': return bytes[0] === 0 ? 'no' : 'yes';
    case 'vni': case 'local_vlan': case 'port': case 'router': case 'u16': return String(bytes.readUIntLE(0, bytes.length));
  }
}

function ipText(bytes: Buffer): string {
  if (bytes.every((byte) => byte === 0)) return 'any';
  return ipaddr.process(ipaddr.fromByteArray([...bytes]).toString()).toString();
}
