/**
 * ICMP probes from inside a chosen network namespace (`dvr walk --probe`): echo requests by the npm
 * package raw-socket, whose socket is made while this thread is inside and stays there afterwards.
 *
 * Every raw ICMP socket of a namespace hears all of its ICMP, so answers are told by identifier, sequence
 * number and sender. Loaded on the first probe only, and never from a worker thread.
 */
import { randomInt } from 'node:crypto';
import { isIPv6 } from 'node:net';
import type { RawSocket, RawSocketModule } from 'raw-socket';
import { addon } from '../dataplane/native.js';
import { DvrError } from '../model/errors.js';
import { parseIp } from '../model/addresses.js';

export interface ProbeWish {
  /** Path of the namespace to probe from. */
  readonly netns: string;
  readonly target: string;
  readonly count: number;
  readonly ttl?: number;
}
export interface ProbeResult {
  readonly sent: number;
  readonly received: number;
  readonly rttMs: readonly number[];
}

const kMaxCount = 1000;
const kAnswerTimeoutMs = 1000;
const kHeaderBytes = 8;
const kPayloadBytes = 56;

/** How the two families write an echo (RFC 792, RFC 4443 section 4). */
interface Family { readonly request: number; readonly reply: number; readonly isV6: boolean }
const kEcho: Family = { request: 8, reply: 0, isV6: false };
const kEchoV6: Family = { request: 128, reply: 129, isV6: true };

/** @throws DVR_USAGE for a wish that cannot be; DVR_NOT_FOUND where there is no such namespace. */
export async function probe(wish: ProbeWish): Promise<ProbeResult> {
  check(wish);
  const { default: raw } = await import('raw-socket');
  const family = isIPv6(wish.target) ? kEchoV6 : kEcho;
  const socket = openSocket(raw, family, wish);
  try {
    return await probeOver(raw, socket, family, wish);
  } finally {
    socket.close();
  }
}

function check({ target, count, ttl = 64 }: ProbeWish): void {
  if (parseIp(target) === undefined) throw new DvrError('DVR_USAGE', `"${target}" is no IP address`, '');
  const upTo = (most: number, value: number): boolean =>
    Number.isInteger(value) && value >= 1 && value <= most;
  if (!upTo(kMaxCount, count)) throw new DvrError('DVR_USAGE', `count must be 1 to ${String(kMaxCount)}`, '');
  if (!upTo(255, ttl)) throw new DvrError('DVR_USAGE', 'ttl must be 1 to 255', '');
}

function openSocket(raw: RawSocketModule, { isV6 }: Family, { netns, ttl }: ProbeWish): RawSocket {
  const protocol = isV6 ? raw.Protocol.ICMPv6 : raw.Protocol.ICMP;
  const addressFamily = isV6 ? raw.AddressFamily.IPv6 : raw.AddressFamily.IPv4;
  let socket: RawSocket;
  try {
    socket = addon().withNetns(
      netns, () => raw.createSocket({ protocol, addressFamily, bufferSize: 65_535 }),
    );
  } catch (cause) {
    throw new DvrError(
      'DVR_NOT_FOUND', `no network namespace to probe from at ${netns}`, 'see `dvr status`', { cause },
    );
  }
  const { SocketLevel, SocketOption } = raw;
  if (ttl === undefined) return socket;
  if (isV6) socket.setOption(SocketLevel.IPPROTO_IPV6, SocketOption.IPV6_UNICAST_HOPS, ttl);
  else socket.setOption(SocketLevel.IPPROTO_IP, SocketOption.IP_TTL, ttl);
  return socket;
}

type OnMessage = (buffer: Buffer, source: string) => void;

async function probeOver(
  raw: RawSocketModule, socket: RawSocket, family: Family, wish: ProbeWish,
): Promise<ProbeResult> {
  const id = randomInt(0x10000);
  const rttMs: number[] = [];
  let heard: OnMessage = () => {};
  socket.on('message', (buffer, source) => { heard(buffer, source); });
  // The package closes the socket after an error; the probe that waits then runs into its timeout.
  socket.on('error', () => {});
  for (let sequence = 1; sequence <= wish.count; ++sequence) {
    const listen = (listener: OnMessage): void => { heard = listener; };
    const isOurs: Ours = (buffer, source) =>
      parseIp(source) === parseIp(wish.target) && isAnswer(buffer, family, id, sequence);
    const rtt = await echo(socket, echoRequest(raw, family, id, sequence), wish.target, isOurs, listen);
    if (rtt !== undefined) rttMs.push(rtt);
  }
  return { sent: wish.count, received: rttMs.length, rttMs };
}

type Ours = (buffer: Buffer, source: string) => boolean;

/** One request and the wait for its answer: milliseconds, or nothing. */
function echo(
  socket: RawSocket, request: Buffer, target: string, isOurs: Ours, listen: (listener: OnMessage) => void,
): Promise<number | undefined> {
  return new Promise((done) => {
    const startedMs = performance.now();
    const timer = setTimeout(() => { done(undefined); }, kAnswerTimeoutMs);
    const finish = (rtt: number | undefined): void => { clearTimeout(timer); done(rtt); };
    listen((buffer, source) => { if (isOurs(buffer, source)) finish(performance.now() - startedMs); });
    socket.send(request, 0, request.length, target, (error) => { if (error !== null) finish(undefined); });
  });
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

function isAnswer(buffer: Buffer, { reply, isV6 }: Family, id: number, sequence: number): boolean {
  // IPv4 raw sockets give the IP header too.
  const at = isV6 ? 0 : ((buffer[0] ?? 0) & 0x0f) * 4;
  if (buffer.length < at + kHeaderBytes) return false;
  return buffer.readUInt8(at) === reply
    && buffer.readUInt16BE(at + 4) === id && buffer.readUInt16BE(at + 6) === sequence;
}
