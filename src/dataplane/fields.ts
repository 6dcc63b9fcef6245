/**
 * One field of a row as bytes, and back to the check that refuses it: the JS half of what
 * native/tables/batch.cc reads. Comes before rows.ts, which lays fields out into rows and batches.
 *
 * Text is parsed here and nowhere later; native checks ranges again and trusts none of it.
 */
import { isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { FieldDescription } from './native.js';

export type FieldType = FieldDescription['type'];
export type FieldValue = string | number | boolean;
export type PortKind = 'vm' | 'router' | 'snat' | 'external' | 'uplink';

/** Bytes of each type in a batch, packed. */
export const fieldBytes = {
  mac: 6, ip: 16, vni: 4, local_vlan: 2, port: 2, port_kind: 1, router: 2, u16: 2, bool: 1,
} as const satisfies Record<FieldType, number>;

const portKindNumbers: Readonly<Record<PortKind, number>> = { vm: 1, router: 2, snat: 3, external: 4, uplink: 5 };
export const portKindOf = (number: number): string | undefined =>
  Object.entries(portKindNumbers).find(([, kind]) => kind === number)?.[0];
const portKinds: ReadonlyMap<unknown, number> = new Map(Object.entries(portKindNumbers));
/** Lowest and highest number of each numeric type (native/base/types.hpp); 0 is the local VLAN of an uplink alone. */
const kRanges = {
  vni: [1, 0xffffff], local_vlan: [0, 4094], port: [0, 4095], router: [0, 4095], u16: [0, 0xffff],
} as const;

/** Writes `value` at `at`; the answer is empty, or says what a value of this type must be. */
export function writeField(into: Buffer, at: number, type: FieldType, value: unknown): string {
  switch (type) {
    case 'mac': return writeMac(into, at, value) ? '' : 'is no MAC address';
    case 'ip': return writeIp(into, at, value) ? '' : 'is no IP address';
    case 'vni': return writeNumber(into, at, type, 4, value);
    case 'local_vlan':
    case 'port':
    case 'router':
    case 'u16': return writeNumber(into, at, type, 2, value);
    case 'port_kind': return writePortKind(into, at, value);
    case 'bool':
      if (typeof value !== 'boolean') return 'is neither true nor false';
      into[at] = value ? 1 : 0;
      return '';
  }
}

function writeNumber(
  into: Buffer, at: number, type: keyof typeof kRanges, bytes: number, value: unknown,
): string {
  const [lowest, highest] = kRanges[type];
  const fits = typeof value === 'number' && Number.isInteger(value) && value >= lowest && value <= highest;
  if (!fits) return `is not a whole number from ${String(lowest)} to ${String(highest)}`;
  for (let i = 0; i < bytes; ++i) into[at + i] = (value >>> (8 * i)) & 0xff;
  return '';
}

function writePortKind(into: Buffer, at: number, value: unknown): string {
  const kind = portKinds.get(value);
  if (kind === undefined) return `is none of ${[...portKinds.keys()].join(', ')}`;
  into[at] = kind;
  return '';
}

/** By hand, digit by digit: a node has a MAC in most of its rows, and tens of thousands of rows. */
function writeMac(into: Uint8Array, at: number, text: unknown): boolean {
  if (typeof text !== 'string' || text.length !== 17) return false;
  for (let i = 0; i < 6; ++i) {
    const high = hexDigit(text.charCodeAt(3 * i));
    const low = hexDigit(text.charCodeAt(3 * i + 1));
    if (high < 0 || low < 0 || (i < 5 && text[3 * i + 2] !== ':')) return false;
    into[at + i] = high << 4 | low;
  }
  return true;
}

/** -1 where the character is no digit. */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x61 + 10 : -1;
}

/** Sixteen bytes, IPv4 mapped (RFC 4291 §2.5.5.2); '' is "any". */
function writeIp(into: Uint8Array, at: number, text: unknown): boolean {
  if (typeof text !== 'string') return false;
  for (let i = 0; i < 16; ++i) into[at + i] = 0;
  if (text === '' || text === '::') return true;
  if (writeMapped(into, at, text)) return true;
  if (!isIPv6(text) || text.includes('%')) return false;
  into.set(ipaddr.IPv6.parse(text).toByteArray(), at);
  return true;
}

/** By hand like writeMac. Four numbers up to 255 without leading zeros, or it is no IPv4 address. */
function writeMapped(into: Uint8Array, at: number, text: string): boolean {
  let dots = 0, digits = 0, byte = 0;
  for (let i = 0; i <= text.length; ++i) {
    const code = i < text.length ? text.charCodeAt(i) : kDot;
    if (code === kDot) {
      if (digits === 0 || dots === 4) return false;
      into[at + 12 + dots++] = byte;
      digits = byte = 0;
      continue;
    }
    byte = byte * 10 + code - kZero;
    if (code < kZero || code > kZero + 9 || byte > 255 || (digits > 0 && byte < 10)) return false;
    ++digits;
  }
  into[at + 10] = into[at + 11] = 0xff;
  return dots === 4;
}

const kDot = 0x2e;
const kZero = 0x30;
