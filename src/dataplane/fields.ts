/**
 * One field of a row as bytes, and back to the check that refuses it: the JS half of what
 * native/tables/batch.cc reads. Comes before rows.ts, which lays fields out into rows and batches.
 *
 * Text is parsed here and nowhere later; native checks ranges again and trusts none of it.
 */
import { isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { FieldDescription } from './native.js';

export type FieldType = FieldDescription['type'];
export type FieldValue = string | number | boolean;
export type PortKind = 'vm' | 'router';

/** Bytes of each type in a batch, packed. */
export const fieldBytes = {
  mac: 6, ip: 16, vni: 4, local_vlan: 2, port: 2, port_kind: 1, u16: 2, bool: 1,
} as const satisfies Record<FieldType, number>;

const kPortKinds: Readonly<Record<PortKind, number>> = { vm: 1, router: 2 };
/** Lowest and highest number of each numeric type (native/base/types.hpp). */
const kRanges = {
  vni: [1, 0xffffff], local_vlan: [1, 4094], port: [0, 4095], u16: [0, 0xffff],
} as const;

/** Writes `value` at `at`; the answer is empty, or says what a value of this type must be. */
export function writeField(into: Buffer, at: number, type: FieldType, value: unknown): string {
  switch (type) {
    case 'mac': return writeBytes(into, at, macBytes(value), 'is no MAC address');
    case 'ip': return writeBytes(into, at, ipBytes(value), 'is no IP address');
    case 'vni': return writeNumber(into, at, type, 4, value);
    case 'local_vlan':
    case 'port':
    case 'u16': return writeNumber(into, at, type, 2, value);
    case 'port_kind': return writePortKind(into, at, value);
    case 'bool':
      if (typeof value !== 'boolean') return 'is neither true nor false';
      into.writeUInt8(value ? 1 : 0, at);
      return '';
  }
}

function writeBytes(into: Buffer, at: number, bytes: readonly number[] | undefined, wrong: string): string {
  if (bytes === undefined) return wrong;
  for (let i = 0; i < bytes.length; ++i) into[at + i] = bytes[i] ?? 0;
  return '';
}

function writeNumber(
  into: Buffer, at: number, type: keyof typeof kRanges, bytes: number, value: unknown,
): string {
  const [lowest, highest] = kRanges[type];
  const fits = typeof value === 'number' && Number.isInteger(value) && value >= lowest && value <= highest;
  if (!fits) return `is not a whole number from ${String(lowest)} to ${String(highest)}`;
  into.writeUIntLE(value, at, bytes);
  return '';
}

function writePortKind(into: Buffer, at: number, value: unknown): string {
  const kind = value === 'vm' || value === 'router' ? kPortKinds[value] : value;
  if (kind !== 1 && kind !== 2) return 'is neither "vm" nor "router"';
  into.writeUInt8(kind, at);
  return '';
}

/** The six bytes of a MAC address in wire order; nothing if the text is none. */
export function macBytes(text: unknown): number[] | undefined {
  if (typeof text !== 'string' || !/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)) return undefined;
  return text.split(':').map((byte) => Number.parseInt(byte, 16));
}

const kMappedPrefix = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/** The 16 bytes of an address, IPv4 mapped (RFC 4291 §2.5.5.2); '' is "any". Nothing if the text is none. */
export function ipBytes(text: unknown): number[] | undefined {
  if (typeof text !== 'string') return undefined;
  if (text === '' || text === '::') return new Array<number>(16).fill(0);
  if (isIPv4(text)) return [...kMappedPrefix, ...text.split('.').map(Number)];
  if (isIPv6(text) && !text.includes('%')) return ipaddr.IPv6.parse(text).toByteArray();
  return undefined;
}
