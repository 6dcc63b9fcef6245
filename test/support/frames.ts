/** Frames built by what matters in them; checksums and lengths are right unless a test spoils them. */
import { ipBytes, macBytes } from '../../src/model/wire-bytes.js';

export const kBroadcast = 'ff:ff:ff:ff:ff:ff';
export const kUnknownMac = 'fa:16:3e:99:99:99';
/** The destination of neighbour and router messages to all nodes (RFC 2464 §7). */
export const kAllNodesMac = '33:33:00:00:00:01';

interface Macs { readonly src: string; readonly dst: string }
interface Ips { readonly from: string; readonly to: string }

const u16 = (value: number): Buffer => Buffer.from([value >> 8 & 0xff, value & 0xff]);
const zeros = (bytes: number): Buffer => Buffer.alloc(bytes);

export function ethernet({ src, dst }: Macs, etherType: number, payload: Buffer): Buffer {
  return Buffer.concat([mac(dst), mac(src), u16(etherType), payload]);
}

/** The same frame with an 802.1Q tag. */
export function tagged(frame: Buffer, vlan: number): Buffer {
  return Buffer.concat([frame.subarray(0, 12), u16(0x8100), u16(vlan), frame.subarray(12)]);
}

export interface ArpWish extends Macs {
  readonly operation?: 1 | 2;
  readonly senderMac?: string; readonly senderIp: string;
  readonly targetMac?: string; readonly targetIp: string;
}

export function arpFrame(wish: ArpWish): Buffer {
  const head = Buffer.from('0001080006040000', 'hex');
  head.writeUInt16BE(wish.operation ?? 1, 6);
  return ethernet(wish, 0x0806, Buffer.concat([head,
    mac(wish.senderMac ?? wish.src), ip(wish.senderIp), mac(wish.targetMac ?? '00:00:00:00:00:00'), ip(wish.targetIp)]));
}

/** A UDP datagram over IPv4 or IPv6, by the addresses' family. */
export function udpFrame(wish: Macs & Ips, payload = zeros(18)): Buffer {
  const udp = Buffer.concat([u16(4000), u16(4001), u16(8 + payload.length), zeros(2), payload]);
  return ipFrame(wish, 17, udp, 6);
}

/** A router advertisement with no options (RFC 4861 §4.2). */
export function routerAdvertisement(wish: Macs & Ips): Buffer {
  return ipFrame(wish, 58, Buffer.from('86000000400007080000000000000000', 'hex'), 2);
}

/** An unsolicited neighbour advertisement (RFC 4861 §4.4). */
export function neighbourAdvertisement(wish: Macs & Ips, target: string): Buffer {
  const option = Buffer.concat([Buffer.from('0201', 'hex'), mac(wish.src)]);
  return ipFrame(wish, 58, Buffer.concat([Buffer.from('8800000020000000', 'hex'), ip(target), option]), 2);
}

/** The payload of a VXLAN datagram (RFC 7348 §5). */
export function vxlan(vni: number, frame: Buffer): Buffer {
  const header = Buffer.from('0800000000000000', 'hex');
  header.writeUIntBE(vni, 4, 3);
  return Buffer.concat([header, frame]);
}

function ipFrame(wish: Macs & Ips, protocol: number, transport: Buffer, checksumAt: number): Buffer {
  const from = ip(wish.from);
  const to = ip(wish.to);
  const pseudo = Buffer.concat([from, to, u16(protocol), u16(transport.length)]);
  transport.writeUInt16BE(checksum(Buffer.concat([pseudo, transport])), checksumAt);
  if (from.length === 16) {
    const head = Buffer.concat([Buffer.from('60000000', 'hex'), u16(transport.length), Buffer.from([protocol, 255])]);
    return ethernet(wish, 0x86dd, Buffer.concat([head, from, to, transport]));
  }
  const head = Buffer.concat([Buffer.from('4500', 'hex'), u16(20 + transport.length), u16(1), zeros(2), Buffer.from([64, protocol]), zeros(2), from, to]);
  head.writeUInt16BE(checksum(head), 10);
  return ethernet(wish, 0x0800, Buffer.concat([head, transport]));
}

/** The Internet checksum (RFC 1071) of bytes whose checksum field is zero; 0 over bytes that are right. */
export function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += (bytes[at] ?? 0) << 8 | (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** Whether the IPv4 header's checksum and its UDP, TCP or ICMP checksum are right; `packet` begins at the IP header. */
export function checksumsAreRight(packet: Buffer): boolean {
  const headerBytes = ((packet[0] ?? 0) & 0x0f) * 4;
  const transport = packet.subarray(headerBytes, packet.readUInt16BE(2));
  const protocol = packet[9] ?? 0;
  const pseudo = protocol === 1 ? zeros(0) : Buffer.concat([packet.subarray(12, 20), u16(protocol), u16(transport.length)]);
  return checksum(packet.subarray(0, headerBytes)) === 0 && checksum(Buffer.concat([pseudo, transport])) === 0;
}

function mac(text: string): Buffer {
  const bytes = macBytes(text);
  if (bytes === undefined) throw new Error(`"${text}" is no MAC`);
  return bytes;
}

function ip(text: string): Buffer {
  const bytes = ipBytes(text);
  if (bytes === undefined) throw new Error(`"${text}" is no address`);
  return bytes;
}
