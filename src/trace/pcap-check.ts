/**
 * Checks a capture file's bytes before npm pcap-parser sees them. The parser believes every length,
 * stops silently at a truncated packet and knows microseconds only; so this stream validates each
 * header, bounds each packet, turns nanoseconds into microseconds, and passes on whole packets: the
 * parser then never buffers more than one, which keeps its copying linear.
 *
 * Comes from: a file or socket. Goes to: pcap-parser (pcap.ts).
 * Format: https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-05.html
 */
import { Transform, type TransformCallback } from 'node:stream';
import { DvrError } from '../model/errors.js';

/** No frame of ours is larger: 64 KiB super-frames plus headers; tcpdump's own snaplen is 256 KiB. */
export const kMaxCapturedBytes = 256 * 1024;
const kFileHeaderBytes = 24;
const kPacketHeaderBytes = 16;
const kLinkTypeEthernet = 1;
/** The upper bits of the link type field describe a frame check sequence, not the link. */
const kLinkTypeMask = 0x0fffffff;
const kNanosecondsPerMicrosecond = 1000;

/*
 *  byte  0        4      6      8        12       16       20
 *        | magic  | major| minor| zone   | sigfigs| snaplen| link type |      file header
 *
 *  byte  0        4        8        12
 *        | seconds| µs, ns | caplen | origlen | caplen bytes of frame …        packet
 */
interface Magic { readonly bigEndian: boolean; readonly nano: boolean }

const magics: Readonly<Record<string, Magic>> = {
  a1b2c3d4: { bigEndian: true, nano: false },
  d4c3b2a1: { bigEndian: false, nano: false },
  a1b23c4d: { bigEndian: true, nano: true },
  '4d3cb2a1': { bigEndian: false, nano: true },
};
const kPcapngMagic = '0a0d0d0a';

/** Fails the stream with DVR_CAPTURE_INVALID, naming `file` and the byte where it went wrong. */
export class PcapCheck extends Transform {
  readonly #file: string;
  #waiting: Buffer = Buffer.alloc(0);
  #offset = 0;
  #format: Magic & { readonly maxBytes: number } | undefined;

  constructor(file: string) {
    super();
    this.#file = file;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#waiting = this.#waiting.length === 0 ? chunk : Buffer.concat([this.#waiting, chunk]);
    try {
      while (this.#takeUnit()) { /* whole units only */ }
      done();
    } catch (error) {
      done(error as Error);
    }
  }

  override _flush(done: TransformCallback): void {
    const left = this.#waiting.length;
    if (this.#format !== undefined && left === 0) return done();
    const what = this.#format === undefined
      ? `the file ends inside the file header (${left} of ${kFileHeaderBytes} bytes)`
      : `the last packet is cut off (${left} bytes of it are there)`;
    done(this.#invalid(what, 'the capture was stopped while writing; use `tcpdump -U -w`', left));
  }

  #takeUnit(): boolean {
    return this.#format === undefined ? this.#takeFileHeader() : this.#takePacket();
  }

  #takeFileHeader(): boolean {
    const header = this.#waiting;
    if (header.length >= 4) this.#checkMagic(header.toString('hex', 0, 4));
    if (header.length < kFileHeaderBytes) return false;
    const magic = magics[header.toString('hex', 0, 4)];
    if (magic === undefined) return false;
    const { bigEndian, nano } = magic;
    this.#checkVersion(read16(header, 4, bigEndian), read16(header, 6, bigEndian));
    this.#checkLinkType(read32(header, 20, bigEndian) & kLinkTypeMask);
    const snaplen = read32(header, 16, bigEndian);
    const maxBytes = snaplen === 0 ? kMaxCapturedBytes : Math.min(snaplen, kMaxCapturedBytes);
    this.#format = { bigEndian, nano, maxBytes };
    const out = Buffer.from(header.subarray(0, kFileHeaderBytes));
    write32(out, 0, 0xa1b2c3d4, bigEndian);
    this.#pass(out);
    return true;
  }

  #takePacket(): boolean {
    const format = this.#format;
    if (format === undefined || this.#waiting.length < kPacketHeaderBytes) return false;
    const captured = read32(this.#waiting, 8, format.bigEndian);
    if (captured > format.maxBytes) {
      throw this.#invalid(
        `a packet claims ${captured} captured bytes, more than the ${format.maxBytes} allowed`,
        'the file is damaged here; what stands before is good',
      );
    }
    if (this.#waiting.length < kPacketHeaderBytes + captured) return false;
    const out = Buffer.from(this.#waiting.subarray(0, kPacketHeaderBytes + captured));
    const fraction = read32(out, 4, format.bigEndian);
    if (format.nano) {
      write32(out, 4, Math.floor(fraction / kNanosecondsPerMicrosecond), format.bigEndian);
    }
    this.#pass(out);
    return true;
  }

  #checkMagic(magic: string): void {
    if (magic === kPcapngMagic) {
      throw this.#invalid(
        'this is a pcapng file', 'capture with `tcpdump -w`, or convert: `editcap -F pcap IN OUT`',
      );
    }
    if (!Object.hasOwn(magics, magic)) {
      throw this.#invalid(`no capture file starts with ${magic}`, 'capture with `tcpdump -w FILE`');
    }
  }

  #checkVersion(major: number, minor: number): void {
    if (major === 2 && minor === 4) return;
    throw this.#invalid(
      `the format's version is ${major}.${minor}, not 2.4`, 'capture with `tcpdump -w FILE`', 4,
    );
  }

  #checkLinkType(linkType: number): void {
    if (linkType === kLinkTypeEthernet) return;
    throw this.#invalid(`the link type is ${linkType}, not Ethernet (1)`,
      'capture on one interface, not on `any`: `tcpdump -i br-int -w FILE`', 20);
  }

  #pass(unit: Buffer): void {
    this.#waiting = this.#waiting.subarray(unit.length);
    this.#offset += unit.length;
    this.push(unit);
  }

  #invalid(what: string, hint: string, further = 0): DvrError {
    return new DvrError(
      'DVR_CAPTURE_INVALID', `${this.#file}: ${what}, at byte ${this.#offset + further}`, hint,
    );
  }
}

function read16(from: Buffer, at: number, big: boolean): number {
  return big ? from.readUInt16BE(at) : from.readUInt16LE(at);
}

function read32(from: Buffer, at: number, big: boolean): number {
  return big ? from.readUInt32BE(at) : from.readUInt32LE(at);
}

function write32(to: Buffer, at: number, value: number, big: boolean): void {
  if (big) to.writeUInt32BE(value, at);
  else to.writeUInt32LE(value, at);
}
