/**
 * Builds the frame a walk puts in: an ICMP or ICMPv6 echo request whose payload begins with a random
 * marker. The marker, not an address or port, is how the packet is found again on every node, because
 * addresses may be translated on the way.
 */
import { icmpv6Packet, internetChecksum, ipBytes, macBytes } from '../model/wire-bytes.js';
import { icmpTypes, icmpv6Types, protocols } from './frame.js';

/** As long as the marker the dataplane looks for (Dataplane.setTrace). */
export const kMarkerBytes = 16;
/** `ping`'s own payload, so that the probe looks like what people know: 84 bytes of IPv4. */
const kPayloadBytes = 56;
const kIcmpBytes = 8;
const kIpv4Bytes = 20;

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
  const packet = isV4 ? icmpPacket : icmpv6Packet;
  const message = echoRequest(isV4 ? icmpTypes.echoRequest : icmpv6Types.echoRequest, echo);
  const etherType = Buffer.from(isV4 ? [0x08, 0x00] : [0x86, 0xdd]);
  const tag = Buffer.from(echo.vlan === undefined ? [] : [0x81, 0x00, echo.vlan >> 8, echo.vlan & 0xff]);
  return Buffer.concat([dstMac, srcMac, tag, etherType, packet(src, dst, echo.ttl, message)]);
}

/** The message, its checksum still zero. */
function echoRequest(type: number, echo: Echo): Buffer {
  const message = Buffer.alloc(kIcmpBytes + kPayloadBytes);
  message[0] = type;
  message.writeUInt16BE(echo.id, 4);
  message.writeUInt16BE(echo.sequence, 6);
  message.set(echo.marker, kIcmpBytes);
  for (let at = kIcmpBytes + kMarkerBytes; at < message.length; at++) message[at] = at;
  return message;
}

/** An IPv4 packet with the message, both checksums filled in. */
function icmpPacket(src: Buffer, dst: Buffer, ttl: number, message: Buffer): Buffer {
  const packet = Buffer.alloc(kIpv4Bytes + message.length);
  const header = packet.subarray(0, kIpv4Bytes);
  header[0] = 0x45;
  header.writeUInt16BE(packet.length, 2);
  header[8] = ttl;
  header[9] = protocols.icmp;
  header.set(src, 12);
  header.set(dst, 16);
  header.writeUInt16BE(internetChecksum(header), 10);
  packet.set(message, kIpv4Bytes);
  packet.writeUInt16BE(internetChecksum(message), kIpv4Bytes + 2);
  return packet;
}

function required(bytes: Buffer | undefined, text: string): Buffer {
  if (bytes === undefined) throw new TypeError(`${text} is not an address`);
  return bytes;
}
