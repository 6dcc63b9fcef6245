/**
 * ICMP echo from inside a network namespace, by the npm package raw-socket, whose socket is made while this
 * thread is inside and stays there afterwards. Loaded with the first one, and never from a worker thread.
 *
 * Every raw ICMP socket of a namespace hears all of its ICMP, so answers are told by identifier, sequence
 * number and sender.
 */
import { randomInt } from 'node:crypto';
import type { RawSocket, RawSocketModule } from 'raw-socket';
import { addon } from '../dataplane/native.js';
import { familyOf, parseIp, type IpAddress } from '../model/addresses.js';

const kHeaderBytes = 8;
const kPayloadBytes = 56;

/** How the two families write an echo (RFC 792, RFC 4443 section 4). */
interface Family { readonly request: number; readonly reply: number; readonly isV6: boolean }
const kEcho: Family = { request: 8, reply: 0, isV6: false };
const kEchoV6: Family = { request: 128, reply: 129, isV6: true };

export interface EchoSocket {
  /** Sends a request; `failed` where the kernel would not. */
  send(sequence: number, failed: () => void): void;
  close(): void;
}

export interface EchoWish { readonly netns: string; readonly target: IpAddress; readonly ttl?: number }

/** @throws where there is no such namespace. @param heard called with the sequence number of each answer. */
export async function openEcho(
  { netns, target, ttl }: EchoWish, heard: (sequence: number) => void,
): Promise<EchoSocket> {
  const { default: raw } = await import('raw-socket');
  const family = familyOf(target) === 6 ? kEchoV6 : kEcho;
  const id = randomInt(0x10000);
  const socket = addon().withNetns(netns, () => createSocket(raw, family));
  if (ttl !== undefined) setTtl(raw, socket, family, ttl);
  // The package closes the socket after an error; whoever waits then runs into its own time limit.
  socket.on('error', () => {});
  socket.on('message', (buffer, source) => {
    const sequence = parseIp(source) === target ? answerIn(buffer, family, id) : undefined;
    if (sequence !== undefined) heard(sequence);
  });
  return {
    send: (sequence, failed) => {
      const request = echoRequest(raw, family, id, sequence);
      socket.send(request, 0, request.length, target, (error) => { if (error !== null) failed(); });
    },
    close: () => { socket.close(); },
  };
}

function createSocket(raw: RawSocketModule, { isV6 }: Family): RawSocket {
  const protocol = isV6 ? raw.Protocol.ICMPv6 : raw.Protocol.ICMP;
  const addressFamily = isV6 ? raw.AddressFamily.IPv6 : raw.AddressFamily.IPv4;
  return raw.createSocket({ protocol, addressFamily, bufferSize: 65_535 });
}

function setTtl(raw: RawSocketModule, socket: RawSocket, { isV6 }: Family, ttl: number): void {
  const { SocketLevel, SocketOption } = raw;
  if (isV6) socket.setOption(SocketLevel.IPPROTO_IPV6, SocketOption.IPV6_UNICAST_HOPS, ttl);
  else socket.setOption(SocketLevel.IPPROTO_IP, SocketOption.IP_TTL, ttl);
}

function echoRequest(raw: RawSocketModule, { request, isV6 }: Family, id: number, sequence: number): Buffer {
  const packet = Buffer.alloc(kHeaderBytes + kPayloadBytes);
  packet.writeUInt8(request, 0);
  packet.writeUInt16BE(id, 4);
  packet.writeUInt16BE(sequence, 6);
  // The kernel makes ICMPv6 checksums itself (RFC 3542 section 3.1).
  if (!isV6) packet.writeUInt16BE(raw.createChecksum(packet), 2);
  return packet;
}

/** The sequence number, where the packet is an answer to one of ours. */
function answerIn(buffer: Buffer, { reply, isV6 }: Family, id: number): number | undefined {
  // IPv4 raw sockets give the IP header too.
  const at = isV6 ? 0 : ((buffer[0] ?? 0) & 0x0f) * 4;
  if (buffer.length < at + kHeaderBytes) return undefined;
  const isOurs = buffer.readUInt8(at) === reply && buffer.readUInt16BE(at + 4) === id;
  return isOurs ? buffer.readUInt16BE(at + 6) : undefined;
}
