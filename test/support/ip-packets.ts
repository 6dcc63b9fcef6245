/**
 * IP packets field by field, for what routers must tell apart: TTLs, options, fragments, extension headers.
 * They carry echo replies that nobody asked for, because a host takes those in and says nothing.
 */
import { ipBytes } from '../../src/model/wire-bytes.js';
import { checksum } from './frames.js';

interface Ends { readonly from: string; readonly to: string }

export interface Ipv4Wish extends Ends {
  readonly ttl?: number; readonly tos?: number; readonly dontFragment?: boolean;
  /** In 8-byte units. */
  readonly offset?: number;
  readonly moreFragments?: boolean;
  /** Filled up to whole words with "no operation". */
  readonly options?: readonly number[];
  readonly protocol?: number;
  readonly payload?: Buffer;
}

/** @param marker tells the packet from the others of a test. */
export function echoReply(marker: number, bytes = 40): Buffer {
  const message = Buffer.alloc(bytes, marker);
  message.writeUInt32BE(0, 0);
  message.writeUInt16BE(marker, 6);
  message.writeUInt16BE(checksum(message), 2);
  return message;
}

export function ipv4(wish: Ipv4Wish): Buffer {
  const { ttl = 64, tos = 0, offset = 0, protocol = 1, payload = echoReply(1) } = wish;
  const options = Buffer.from(wish.options ?? []);
  const padded = Buffer.concat([options, Buffer.alloc((4 - options.length % 4) % 4, 1)]);
  const head = Buffer.alloc(20);
  head[0] = 0x45 + padded.length / 4;
  head[1] = tos;
  head.writeUInt16BE(20 + padded.length + payload.length, 2);
  head.writeUInt16BE(0x1234, 4);
  head.writeUInt16BE((wish.dontFragment === true ? 0x4000 : 0) | (wish.moreFragments === true ? 0x2000 : 0) | offset, 6);
  head[8] = ttl;
  head[9] = protocol;
  addressBytes(wish.from).copy(head, 12);
  addressBytes(wish.to).copy(head, 16);
  const all = Buffer.concat([head, padded]);
  all.writeUInt16BE(checksum(all), 10);
  return Buffer.concat([all, payload]);
}

export interface Ipv6Wish extends Ends {
  readonly hopLimit?: number; readonly trafficClass?: number;
  /** Extension headers without their first byte: the number of the header itself, and the rest of it. */
  readonly extensions?: readonly (readonly [number: number, rest: string])[];
  readonly bytes?: number;
  readonly marker?: number;
}

export function ipv6(wish: Ipv6Wish): Buffer {
  const { hopLimit = 64, trafficClass = 0, extensions = [], bytes = 40, marker = 1 } = wish;
  const [from, to] = [addressBytes(wish.from), addressBytes(wish.to)];
  const message = Buffer.alloc(bytes, marker);
  message.writeUInt32BE(129 << 24 >>> 0, 0);
  message.writeUInt16BE(checksum(Buffer.concat([from, to, Buffer.from([0, 0, bytes >> 8, bytes & 0xff, 0, 0, 0, 58]), message])), 2);
  const numbers = [...extensions.map(([number]) => number), 58];
  const headers = extensions.map(([, rest], at) => Buffer.concat([Buffer.from([numbers[at + 1] ?? 58]), Buffer.from(rest, 'hex')]));
  const payload = Buffer.concat([...headers, message]);
  const head = Buffer.alloc(8);
  head.writeUInt32BE((0x60000000 | trafficClass << 20 | 0x54321) >>> 0, 0);
  head.writeUInt16BE(payload.length, 4);
  head[6] = numbers[0] ?? 58;
  head[7] = hopLimit;
  return Buffer.concat([head, from, to, payload]);
}

/** The packet with one byte of its header changed, and the checksum as it was. */
export function spoiled(packet: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(packet);
  copy[at] = value;
  return copy;
}

function addressBytes(text: string): Buffer {
  const bytes = ipBytes(text);
  if (bytes === undefined) throw new Error(`"${text}" is no address`);
  return bytes;
}
