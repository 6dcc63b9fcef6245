import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DvrError } from '../../../src/model/errors.js';
import { packetsOf, readPcap, type CapturedPacket } from '../../../src/trace/pcap.js';

let folder = '';
beforeAll(() => { folder = mkdtempSync(join(tmpdir(), 'dvr-pcap-')); });
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Shape {
  big?: boolean; nano?: boolean; linkType?: number; snaplen?: number; version?: [number, number];
}

function fileHeader(shape: Shape = {}): Buffer {
  const header = Buffer.alloc(24);
  const w32 = (
    value: number, at: number,
  ): void => { shape.big ? header.writeUInt32BE(value, at) : header.writeUInt32LE(value, at); };
  const w16 = (
    value: number, at: number,
  ): void => { shape.big ? header.writeUInt16BE(value, at) : header.writeUInt16LE(value, at); };
  w32(shape.nano ? 0xa1b23c4d : 0xa1b2c3d4, 0);
  w16(shape.version?.[0] ?? 2, 4);
  w16(shape.version?.[1] ?? 4, 6);
  w32(shape.snaplen ?? 262144, 16);
  w32(shape.linkType ?? 1, 20);
  return header;
}

function packet(
  data: Buffer, shape: Shape = {}, claims: { caplen?: number; origlen?: number } = {},
): Buffer {
  const header = Buffer.alloc(16);
  const w32 = (
    value: number, at: number,
  ): void => { shape.big ? header.writeUInt32BE(value, at) : header.writeUInt32LE(value, at); };
  w32(7, 0);
  w32(shape.nano ? 123_456 : 123, 4);
  w32(claims.caplen ?? data.length, 8);
  w32(claims.origlen ?? data.length, 12);
  return Buffer.concat([header, data]);
}

async function read(bytes: Buffer): Promise<CapturedPacket[]> {
  const packets: CapturedPacket[] = [];
  for await (const one of packetsOf(Readable.from([bytes]), 'x.pcap')) packets.push(one);
  return packets;
}

const failure = (bytes: Buffer): Promise<DvrError> =>
  read(bytes).then(() => { throw new Error('it was read without a fault'); }, (error: DvrError) =>
    error);

describe('a capture file', () => {
  const data = Buffer.from('0123456789abcdef');

  it.each([{}, { big: true }, { nano: true }, { big: true, nano: true }])(
    'is read in either byte order, nanoseconds turned into microseconds: %j', async (shape) => {
      const path = join(folder, 'a.pcap');
      writeFileSync(
        path,
        Buffer.concat([
          fileHeader(shape), packet(data, shape), packet(data, shape, { origlen: 99 }),
        ]),
      );
      const packets = await readPcap(path);
      expect(packets).toEqual([
        { timeUs: 7_000_123, caplen: 16, origlen: 16, data },
        { timeUs: 7_000_123, caplen: 16, origlen: 99, data },
      ]);
    });

  it('without packets has none', async () => expect(await read(fileHeader())).toEqual([]));

  it('that is not there is refused by name', async () => {
    await expect(readPcap(join(folder, 'none.pcap'))).rejects.toMatchObject({
      code: 'DVR_CAPTURE_INVALID', message: expect.stringContaining('none.pcap'),
    });
  });

  it('of pcapng is recognised and the way to convert it is told', async () => {
    const error = await failure(Buffer.from('0a0d0d0a1c0000004d3c2b1a', 'hex'));
    expect(error).toMatchObject({
      code: 'DVR_CAPTURE_INVALID', message: expect.stringContaining('pcapng'),
    });
    expect(error.hint).toContain('editcap');
  });

  it('of something else, another version or another link is refused with the byte', async () => {
    expect((await failure(Buffer.from('#!/bin/sh\n'))).message).toContain('at byte 0');
    expect((await failure(fileHeader({ version: [2, 3] }))).message).toContain(
      '2.3, not 2.4, at byte 4',
    );
    const cooked = await failure(fileHeader({ linkType: 113 }));
    expect(cooked.message).toContain('link type is 113');
    expect(cooked.hint).toContain('not on `any`');
  });

  it('that is empty is said to end inside its header', async () => {
    expect((await failure(Buffer.alloc(0))).message).toContain('0 of 24 bytes');
  });

  it('whose packet claims more than the snapshot length is refused there, at once', async () => {
    const bytes = Buffer.concat([
      fileHeader({ snaplen: 64 }), packet(data), packet(data, {}, { caplen: 65 }),
    ]);
    expect((await failure(bytes)).message).toContain(
      'claims 65 captured bytes, more than the 64 allowed, at byte 56',
    );
    const huge = Buffer.concat([
      fileHeader({ snaplen: 0xffffffff }), packet(data, {}, { caplen: 0xffffffff }),
    ]);
    expect((await failure(huge)).message).toContain('more than the 262144 allowed');
  });

  it('that is truncated gives its whole packets first and then says where it ends', async () => {
    const whole = Buffer.concat([fileHeader(), packet(data), packet(data)]);
    const seen: number[] = [];
    const reading = (async () => {
      for await (const one of packetsOf(
        Readable.from([whole.subarray(0, -3)]), 'x.pcap',
      )) seen.push(one.caplen);
    })();
    await expect(reading).rejects.toThrow(
      'the last packet is cut off (29 bytes of it are there), at byte 85',
    );
    expect(seen).toEqual([16]);
  });

  it('larger than what may wait is read to the end by a slow reader', async () => {
    const bytes = Buffer.concat([
      fileHeader(), ...Array.from({ length: 1000 }, () => packet(data)),
    ]);
    let count = 0;
    for await (const one of packetsOf(Readable.from(chunked(bytes, 777)), 'x.pcap')) {
      if (count++ % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
      expect(one.caplen).toBe(16);
    }
    expect(count).toBe(1000);
  });

  it('of any bytes, cut anywhere, is read or refused, never a crash or a hang', async () => {
    const good = Buffer.concat([fileHeader(), packet(data), packet(data)]);
    const damaged = fc.tuple(
      fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 4 }),
      fc.nat(good.length),
    )
      .map(([
        edits, length,
      ]) => { const bytes = Buffer.from(
        good,
      ); for (const [at, to] of edits) bytes[at] = to; return bytes.subarray(
        0, length,
      ); });
    const anything = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
    await fc.assert(fc.asyncProperty(fc.oneof(
      damaged, anything,
    ), fc.integer({ min: 1, max: 64 }), async (bytes, size) => {
      const seen: CapturedPacket[] = [];
      try {
        for await (const one of packetsOf(
          Readable.from(chunked(bytes, size)), 'x.pcap',
        )) seen.push(one);
      } catch (error) {
        if (!(error instanceof DvrError) || error.code !== 'DVR_CAPTURE_INVALID') throw error;
      }
      return seen.every((one) => one.data.length === one.caplen);
    }), { numRuns: 500 });
  });
});

function chunked(bytes: Buffer, size: number): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
  return chunks;
}
