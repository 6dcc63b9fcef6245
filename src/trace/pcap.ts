/**
 * Reads capture files: the only place that imports npm pcap-parser, behind the checks of pcap-check.ts.
 * Two forms: `capturedPackets` streams with bounded memory, `readPcap` reads a whole small file.
 */
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { parse, type PcapPacket } from 'pcap-parser';
import { DvrError } from '../model/errors.js';
import { PcapCheck } from './pcap-check.js';

/** One packet of a capture. `timeUs` counts from 1970; `origlen` is its length on the wire. */
export interface CapturedPacket {
  readonly timeUs: number;
  readonly caplen: number;
  readonly origlen: number;
  readonly data: Buffer;
}

/** Packets parsed but not yet taken by the reader; beyond it the file is paused. */
const kMaxWaiting = 64;

/**
 * Yields the packets of a capture file in order. Packets before a fault are yielded first; then
 * DVR_CAPTURE_INVALID is thrown with the file's name and the byte of the fault.
 *
 * @example
 * for await (const packet of capturedPackets('green.pcap')) console.log(packet.timeUs, packet.caplen);
 */
export async function* capturedPackets(path: string): AsyncGenerator<CapturedPacket> {
  yield* packetsOf(createReadStream(path), path);
}

/** As `capturedPackets`, from any byte stream; `name` stands for the file in errors. */
export async function* packetsOf(bytes: Readable, name: string): AsyncGenerator<CapturedPacket> {
  const check = new PcapCheck(name);
  const waiting: CapturedPacket[] = [];
  const state: { ended: boolean; failure?: unknown } = { ended: false };
  let wake = (): void => {};
  const finish = (failure?: unknown): void => {
    state.ended = true;
    if (failure !== undefined) state.failure ??= failure;
    wake();
  };
  const parser = parse(check);
  parser.on('packet', (packet: PcapPacket) => {
    waiting.push(fromParser(packet));
    if (waiting.length >= kMaxWaiting) check.pause();
    wake();
  });
  parser.on('error', (error: unknown) => finish(error));
  parser.on('end', () => finish());
  bytes.on('error', (error) => finish(unreadable(name, error)));
  bytes.pipe(check);
  try {
    for (;;) {
      const packet = waiting.shift();
      if (packet !== undefined) yield packet;
      else if (state.ended) break;
      else {
        const woken = new Promise<void>((resolve) => { wake = resolve; });
        check.resume();
        await woken;
      }
    }
    if (state.failure !== undefined) throw state.failure;
  } finally {
    bytes.destroy();
    check.destroy();
  }
}

/** All packets of a capture file; throws DVR_CAPTURE_INVALID where it is damaged or truncated. */
export async function readPcap(path: string): Promise<CapturedPacket[]> {
  const packets: CapturedPacket[] = [];
  for await (const packet of capturedPackets(path)) packets.push(packet);
  return packets;
}

function fromParser({ header, data }: PcapPacket): CapturedPacket {
  return {
    timeUs: header.timestampSeconds * 1_000_000 + header.timestampMicroseconds,
    caplen: header.capturedLength,
    origlen: header.originalLength,
    data: Buffer.from(data),
  };
}

function unreadable(name: string, cause: Error): DvrError {
  return new DvrError(
    'DVR_CAPTURE_INVALID',
    `${name}: cannot be read at byte 0: ${cause.message}`,
    'name a capture file made by `tcpdump -w`',
    { cause },
  );
}
