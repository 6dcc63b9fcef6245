/** One line that says what a packet is, as tcpdump would: for headings, not for decisions. */
import { icmpTypes, icmpv6Types, protocols, type Frame, type Ip } from './frame.js';

export function packetText(frame: Frame): string {
  const { arp, ip } = frame;
  if (arp !== undefined) {
    return arp.operation === 1
      ? `ARP who has ${arp.targetIp}, tell ${arp.senderIp}`
      : `ARP ${arp.senderIp} is at ${arp.senderMac}`;
  }
  if (ip !== undefined) {
    const fragment = ip.isFragment ? ', fragment' : '';
    return `${transportText(ip)} -> ${endText(ip, 'dst')}, TTL ${ip.ttl}${fragment}`;
  }
  const etherType = frame.etherType.toString(16).padStart(4, '0');
  return `EtherType 0x${etherType}${frame.truncated ? ', cut off' : ''}`;
}

function transportText(ip: Ip): string {
  if (ip.icmp !== undefined) return `${icmpText(ip)} ${ip.src}`;
  if (ip.udp !== undefined) return `UDP ${endText(ip, 'src')}`;
  if (ip.tcp !== undefined) return `TCP ${endText(ip, 'src')}`;
  return `IP protocol ${ip.protocol} ${ip.src}`;
}

function endText(ip: Ip, side: 'src' | 'dst'): string {
  const ports = ip.udp ?? ip.tcp;
  if (ports === undefined) return ip[side];
  const port = side === 'src' ? ports.srcPort : ports.dstPort;
  return ip.version === 6 ? `[${ip[side]}]:${port}` : `${ip[side]}:${port}`;
}

function icmpText({ protocol, icmp }: Ip): string {
  const { type, code, target } = icmp ?? { type: -1, code: -1 };
  const isV4 = protocol === protocols.icmp;
  const known: Readonly<Record<number, string>> = isV4
    ? {
      [icmpTypes.echoRequest]: 'echo request',
      [icmpTypes.echoReply]: 'echo reply',
      [icmpTypes.unreachable]: 'unreachable',
      [icmpTypes.timeExceeded]: 'time exceeded',
    }
    : {
      [icmpv6Types.echoRequest]: 'echo request',
      [icmpv6Types.echoReply]: 'echo reply',
      [icmpv6Types.unreachable]: 'unreachable',
      [icmpv6Types.tooBig]: 'packet too big', [icmpv6Types.timeExceeded]: 'time exceeded',
      [icmpv6Types.solicitation]: `neighbour solicitation for ${target ?? '?'}`,
      [icmpv6Types.advertisement]: `neighbour advertisement of ${target ?? '?'}`,
    };
  return `${isV4 ? 'ICMP' : 'ICMPv6'} ${known[type] ?? `type ${type} code ${code}`}`;
}
