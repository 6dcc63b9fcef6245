/**
 * Decodes the headers of one frame for printing: Ethernet, one 802.1Q tag, ARP, IPv4, IPv6 with its
 * extension headers, ICMP, ICMPv6 with ND, UDP, TCP, and the frame inside VXLAN. Input may end anywhere
 * (a trace record keeps 128 bytes, a capture its snapshot length): what is not there is left out and
 * `truncated` says so. Nothing here decides about a packet; the stages do (native/).
 */
import { ipText, macText } from '../model/wire-bytes.js';

export interface Frame {
  readonly dstMac: string;
  readonly srcMac: string;
  /** The 802.1Q VLAN id, where the frame has a tag. */
  readonly vlan?: number;
  readonly etherType: number;
  readonly arp?: Arp;
  readonly ip?: Ip;
  readonly truncated: boolean;
}

export interface Arp {
  readonly operation: number;
  readonly senderMac: string; readonly senderIp: string;
  readonly targetMac: string; readonly targetIp: string;
}

export interface Ip {
  readonly version: 4 | 6;
  readonly src: string;
  readonly dst: string;
  /** TTL, or IPv6's hop limit. */
  readonly ttl: number;
  /** The transport protocol, after IPv6 extension headers. */
  readonly protocol: number;
  readonly totalBytes: number;
  /** The identification field, IPv4 only: the same packet has it at every hop. */
  readonly id?: number;
  readonly isFragment: boolean;
  readonly icmp?: Icmp;
  readonly udp?: { readonly srcPort: number; readonly dstPort: number };
  readonly tcp?: { readonly srcPort: number; readonly dstPort: number; readonly flags: number };
  readonly vxlan?: Vxlan;
}

export interface Icmp {
  readonly type: number;
  readonly code: number;
  /** Of an echo request or reply. */
  readonly id?: number;
  readonly sequence?: number;
  /** Of a neighbour solicitation or advertisement (RFC 4861 §4.3, §4.4). */
  readonly target?: string;
}

export interface Vxlan { readonly flags: number; readonly vni: number; readonly inner?: Frame }

export const kVxlanPort = 4789;
export const kVxlanHeaderBytes = 8;
export const protocols = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58 } as const;
export const icmpTypes = {
  echoReply: 0, unreachable: 3, echoRequest: 8, timeExceeded: 11,
} as const;
export const icmpv6Types = {
  unreachable: 1,
  tooBig: 2,
  timeExceeded: 3,
  echoRequest: 128,
  echoReply: 129,
  solicitation: 135,
  advertisement: 136,
} as const;

const kEtherTypes = { ipv4: 0x0800, arp: 0x0806, vlan: 0x8100, ipv6: 0x86dd } as const;
/** More extension headers than any sender uses; the walk over them ends there. */
const kMaxExtensionHeaders = 8;

/** The headers of a frame; undefined when not even the Ethernet header is whole. */
export function decodeFrame(bytes: Uint8Array): Frame | undefined {
  return ethernet(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), true);
}

/*
 *  byte  0        6        12     14  (16, 18 with a tag)
 *        | dst MAC| src MAC| type | payload …
 */
function ethernet(frame: Buffer, mayHoldVxlan: boolean): Frame | undefined {
  if (frame.length < 14) return undefined;
  const macs = { dstMac: macText(frame.subarray(0, 6)), srcMac: macText(frame.subarray(6, 12)) };
  let etherType = frame.readUInt16BE(12);
  let payload = frame.subarray(14);
  let vlan: number | undefined;
  if (etherType === kEtherTypes.vlan) {
    if (payload.length < 4) return { ...macs, etherType, truncated: true };
    vlan = payload.readUInt16BE(0) & 0x0fff;
    etherType = payload.readUInt16BE(2);
    payload = payload.subarray(4);
  }
  const head = { ...macs, ...(vlan === undefined ? {} : { vlan }), etherType };
  if (etherType === kEtherTypes.arp) return withPart(head, 'arp', arp(payload));
  if (etherType === kEtherTypes.ipv4) return withPart(head, 'ip', ipv4(payload, mayHoldVxlan));
  if (etherType === kEtherTypes.ipv6) return withPart(head, 'ip', ipv6(payload, mayHoldVxlan));
  return { ...head, truncated: false };
}

function withPart(
  head: Omit<Frame, 'truncated'>, name: 'arp' | 'ip', part: Arp | Ip | undefined,
): Frame {
  return part === undefined
    ? { ...head, truncated: true }
    : { ...head, [name]: part, truncated: false };
}

function arp(bytes: Buffer): Arp | undefined {
  if (bytes.length < 28) return undefined;
  return {
    operation: bytes.readUInt16BE(6),
    senderMac: macText(bytes.subarray(8, 14)), senderIp: ipText(bytes.subarray(14, 18)),
    targetMac: macText(bytes.subarray(18, 24)), targetIp: ipText(bytes.subarray(24, 28)),
  };
}

function ipv4(bytes: Buffer, mayHoldVxlan: boolean): Ip | undefined {
  if (bytes.length < 20 || byteAt(bytes, 0) >> 4 !== 4) return undefined;
  const headerBytes = (byteAt(bytes, 0) & 0x0f) * 4;
  if (headerBytes < 20) return undefined;
  const fragment = bytes.readUInt16BE(6) & 0x3fff;
  const protocol = byteAt(bytes, 9);
  const isFirst = (fragment & 0x1fff) === 0;
  return {
    version: 4, src: ipText(bytes.subarray(12, 16)), dst: ipText(bytes.subarray(16, 20)),
    ttl: byteAt(bytes, 8), protocol, totalBytes: bytes.readUInt16BE(2), id: bytes.readUInt16BE(4),
    isFragment: fragment !== 0,
    ...(isFirst ? transport(protocol, bytes.subarray(headerBytes), mayHoldVxlan) : {}),
  };
}

function ipv6(bytes: Buffer, mayHoldVxlan: boolean): Ip | undefined {
  if (bytes.length < 40 || byteAt(bytes, 0) >> 4 !== 6) return undefined;
  const { protocol, at, isFragment, isFirst } = skipExtensions(bytes);
  return {
    version: 6, src: ipText(bytes.subarray(8, 24)), dst: ipText(bytes.subarray(24, 40)),
    ttl: byteAt(bytes, 7), protocol, totalBytes: 40 + bytes.readUInt16BE(4), isFragment,
    ...(isFirst ? transport(protocol, bytes.subarray(at), mayHoldVxlan) : {}),
  };
}

/** Walks hop-by-hop, routing, destination and fragment headers (RFC 8200 §4) to the transport header. */
function skipExtensions(
  bytes: Buffer,
): { protocol: number; at: number; isFragment: boolean; isFirst: boolean } {
  let protocol = byteAt(bytes, 6);
  let at = 40;
  let isFragment = false;
  for (let count = 0; count < kMaxExtensionHeaders && bytes.length >= at + 8; count++) {
    if (protocol === 44) {
      isFragment = true;
      if (bytes.readUInt16BE(at + 2) >> 3 !== 0) {
        return { protocol: byteAt(bytes, at), at, isFragment, isFirst: false };
      }
    } else if (protocol !== 0 && protocol !== 43 && protocol !== 60) {
      break;
    }
    const headerBytes = protocol === 44 ? 8 : 8 * (byteAt(bytes, at + 1) + 1);
    protocol = byteAt(bytes, at);
    at += headerBytes;
  }
  return { protocol, at, isFragment, isFirst: true };
}

function transport(
  protocol: number, bytes: Buffer, mayHoldVxlan: boolean,
): Pick<Ip, 'icmp' | 'udp' | 'tcp' | 'vxlan'> {
  if (bytes.length < 8) return {};
  if (protocol === protocols.icmp || protocol === protocols.icmpv6) {
    return { icmp: icmp(protocol, bytes) };
  }
  const ports = { srcPort: bytes.readUInt16BE(0), dstPort: bytes.readUInt16BE(2) };
  if (protocol === protocols.tcp && bytes.length >= 14) {
    return { tcp: { ...ports, flags: byteAt(bytes, 13) } };
  }
  if (protocol !== protocols.udp) return {};
  if (ports.dstPort !== kVxlanPort || !mayHoldVxlan) return { udp: ports };
  const outer = vxlan(bytes.subarray(8));
  return outer === undefined ? { udp: ports } : { udp: ports, vxlan: outer };
}

function icmp(protocol: number, bytes: Buffer): Icmp {
  const type = byteAt(bytes, 0);
  const code = byteAt(bytes, 1);
  const isEcho = protocol === protocols.icmp
    ? type === icmpTypes.echoRequest || type === icmpTypes.echoReply
    : type === icmpv6Types.echoRequest || type === icmpv6Types.echoReply;
  if (isEcho) return { type, code, id: bytes.readUInt16BE(4), sequence: bytes.readUInt16BE(6) };
  const isNd = protocol === protocols.icmpv6
    && (type === icmpv6Types.solicitation || type === icmpv6Types.advertisement);
  return isNd && bytes.length >= 24
    ? { type, code, target: ipText(bytes.subarray(8, 24)) }
    : { type, code };
}

/*
 *  byte  0      1          4          7          8            RFC 7348 §5
 *        | flags| reserved | VNI (24) | reserved | inner frame …
 */
function vxlan(bytes: Buffer): Vxlan | undefined {
  if (bytes.length < kVxlanHeaderBytes) return undefined;
  const inner = ethernet(bytes.subarray(kVxlanHeaderBytes), false);
  const head = { flags: byteAt(bytes, 0), vni: bytes.readUIntBE(4, 3) };
  return inner === undefined ? head : { ...head, inner };
}

const byteAt = (bytes: Buffer, at: number): number => bytes[at] ?? 0;
