/**
 * Addresses between wire bytes and the canonical text of addresses.ts, and the little of IPv6 that whoever makes a
 * frame of its own needs: its header, and the checksum.
 */
import { parseIp, parseMac } from './addresses.js';

/** The six bytes of a MAC address; undefined for what is none. */
export function macBytes(text: string): Buffer | undefined {
  const mac = parseMac(text);
  return mac === undefined ? undefined : Buffer.from(mac.replaceAll(':', ''), 'hex');
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

/** The one's complement sum of RFC 1071; over bytes that hold their own checksum it is 0. */
export function internetChecksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) {
    sum += ((bytes[at] ?? 0) << 8) + (bytes[at + 1] ?? 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** An IPv6 packet with an ICMPv6 message, whose checksum is filled in (RFC 8200 sections 3 and 8.1). */
export function icmpv6Packet(src: Buffer, dst: Buffer, hopLimit: number, message: Buffer): Buffer {
  const header = Buffer.alloc(40);
  header[0] = 0x60;
  header.writeUInt16BE(message.length, 4);
  header[6] = kIcmpv6;
  header[7] = hopLimit;
  header.set(src, 8);
  header.set(dst, 24);
  const pseudo = Buffer.alloc(8);
  pseudo.writeUInt32BE(message.length, 0);
  pseudo[7] = kIcmpv6;
  const summed = Buffer.from(message);
  summed.writeUInt16BE(internetChecksum(Buffer.concat([src, dst, pseudo, message])), 2);
  return Buffer.concat([header, summed]);
}

const kIcmpv6 = 58;
