/** Addresses between wire bytes and the canonical text of model/addresses.ts. */
import { contains, parseCidr, parseIp, parseMac } from '../model/addresses.js';

export function macBytes(text: string): Buffer | undefined {
  return parseMac(text) === undefined ? undefined : Buffer.from(text.replaceAll(':', ''), 'hex');
}

export function macText(bytes: Uint8Array): string {
  return Array.from(bytes.subarray(0, 6), (byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/** The 4 or 16 bytes of an address; undefined for what is none. */
export function ipBytes(text: string): Buffer | undefined {
  const ip = parseIp(text);
  if (ip === undefined) return undefined;
  if (!ip.includes(':')) return Buffer.from(ip.split('.').map(Number));
  const [left = '', right = ''] = ip.split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const zeros = Array.from({ length: 8 - groups(left).length - groups(right).length }, () => '0');
  const all = [...groups(left), ...zeros, ...groups(right)];
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

/** Text of 4 or 16 wire bytes. An IPv4-mapped IPv6 address, which no wire should carry, stays in full. */
export function ipText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const group = (at: number): string => ((bytes[at] ?? 0) << 8 | (bytes[at + 1] ?? 0)).toString(16);
  const text = [0, 2, 4, 6, 8, 10, 12, 14].map(group).join(':');
  return parseIp(text) ?? text;
}

/** Whether the address is inside a prefix such as "10.1.0.0/24"; families never match each other. */
export function isInCidr(ip: string, cidr: string): boolean {
  const [address, prefix] = [parseIp(ip), parseCidr(cidr)];
  return address !== undefined && prefix.kind !== 'malformed' && contains(prefix.cidr, address);
}
