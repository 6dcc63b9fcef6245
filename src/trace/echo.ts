/**
 * Builds the frame a walk puts in: an ICMP or ICMPv6 echo request whose payload begins with a random
 * marker. The marker, not an address or port, is how the packet is found again on every node, because
 * addresses may be translated on the way.
 */
import { ipBytes, macBytes } from './address-text.js';
import { icmpTypes, icmpv6Types, protocols } from './frame.js';

/** As long as the marker the dataplane looks for (Dataplane.setTrace). */
export const kMarkerBytes = 16;
/** `ping`'s own payload, so that the probe looks like what people know: 84 bytes of IPv4. */
const kPayloadBytes = 56;
const kIcmpBytes = 8;

export interface Echo {
  readonly srcMac: string; readonly dstMac: string;
  readonly srcIp: string; readonly dstIp: string;
  readonly ttl: number;
  readonly id: number; readonly sequence: number;
  readonly marker: Uint8Array;
  /** On a tagged wire: the provider VLAN. */
  readonly vlan?: number;
}

/** The frame of an echo request, checksums filled in; IPv4 or IPv6 as `srcIp` and `dstIp` are. */
export function echoFrame(echo: Echo): Buffer {
  const dstMac = required(macBytes(echo.dstMac), echo.dstMac);
  const srcMac = required(macBytes(echo.srcMac), echo.srcMac);
  const src = required(ipBytes(echo.srcIp), echo.srcIp);
  const dst = required(ipBytes(echo.dstIp), echo.dstIp);
  if (src.length !== dst.length) {
    throw new TypeError(`${echo.srcIp} and ${echo.dstIp} are of different families`);
  }
  if (echo.marker.length !== kMarkerBytes) {
    throw new TypeError(`the marker has ${echo.marker.length} bytes, not ${kMarkerBytes}`);
  }
  const isV4 = src.length === 4;
  const pseudo = isV4 ? undefined : pseudoHeader(src, dst, kIcmpBytes + kPayloadBytes);
  const message = icmpEcho(echo, pseudo);
  const ip = isV4
    ? ipv4Header(src, dst, echo.ttl, message.length)
    : ipv6Header(src, dst, echo.ttl, message.length);
  const etherType = Buffer.from(isV4 ? [0x08, 0x00] : [0x86, 0xdd]);
  const tag = Buffer.from(echo.vlan === undefined ? [] : [0x81, 0x00, echo.vlan >> 8, echo.vlan & 0xff]);
  return Buffer.concat([dstMac, srcMac, tag, etherType, ip, message]);
}

function icmpEcho(echo: Echo, pseudo: Buffer | undefined): Buffer {
  const message = Buffer.alloc(kIcmpBytes + kPayloadBytes);
  message[0] = pseudo === undefined ? icmpTypes.echoRequest : icmpv6Types.echoRequest;
  message.writeUInt16BE(echo.id, 4);
  message.writeUInt16BE(echo.sequence, 6);
  message.set(echo.marker, kIcmpBytes);
  for (let at = kIcmpBytes + kMarkerBytes; at < message.length; at++) message[at] = at;
  const summed = pseudo === undefined ? message : Buffer.concat([pseudo, message]);
  message.writeUInt16BE(internetChecksum(summed), 2);
  return message;
}

function ipv4Header(src: Buffer, dst: Buffer, ttl: number, payloadBytes: number): Buffer {
  const header = Buffer.alloc(20);
  header[0] = 0x45;
  header.writeUInt16BE(header.length + payloadBytes, 2);
  header[8] = ttl;
  header[9] = protocols.icmp;
  header.set(src, 12);
  header.set(dst, 16);
  header.writeUInt16BE(internetChecksum(header), 10);
  return header;
}

function ipv6Header(src: Buffer, dst: Buffer, ttl: number, payloadBytes: number): Buffer {
  const header = Buffer.alloc(40);
  header[0] = 0x60;
  header.writeUInt16BE(payloadBytes, 4);
  header[6] = protocols.icmpv6;
  header[7] = ttl;
  header.set(src, 8);
  header.set(dst, 24);
  return header;
}

/** What ICMPv6 sums beside the message (RFC 8200 §8.1). */
function pseudoHeader(src: Buffer, dst: Buffer, messageBytes: number): Buffer {
  const tail = Buffer.alloc(8);
  tail.writeUInt32BE(messageBytes, 0);
  tail[7] = protocols.icmpv6;
  return Buffer.concat([src, dst, tail]);
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

function required(bytes: Buffer | undefined, text: string): Buffer {
  if (bytes === undefined) throw new TypeError(`${text} is not an address`);
  return bytes;
}
