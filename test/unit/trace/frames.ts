/** Builders of captured frames: what the hops of the walk put around or in front of a frame. */
import fc from 'fast-check';
import { ipBytes, macBytes } from '../../../src/model/wire-bytes.js';

const bytes = (part: Buffer | undefined): Buffer => part ?? Buffer.alloc(0);

export function vxlanFrame(
  srcVtep: string, dstVtep: string, vni: number, inner: Buffer, flags = 0x08,
): Buffer {
  const head = Buffer.alloc(14 + 20 + 8 + 8);
  head.writeUInt16BE(0x0800, 12);
  head[14] = 0x45;
  head.writeUInt16BE(36 + inner.length, 16);
  head[22] = 64;
  head[23] = 17;
  head.set(bytes(ipBytes(srcVtep)), 26);
  head.set(bytes(ipBytes(dstVtep)), 30);
  head.writeUInt16BE(50000, 34);
  head.writeUInt16BE(4789, 36);
  head.writeUInt16BE(16 + inner.length, 38);
  head[42] = flags;
  head.writeUIntBE(vni, 46, 3);
  return Buffer.concat([head, inner]);
}

export function tagged(vlan: number, frame: Buffer): Buffer {
  const tag = Buffer.from([0x81, 0x00, vlan >> 8, vlan & 0xff]);
  return Buffer.concat([frame.subarray(0, 12), tag, frame.subarray(12)]);
}

export function arpFrame(
  operation: 1 | 2,
  senderMac: string,
  senderIp: string,
  targetIp: string,
  dstMac = 'ff:ff:ff:ff:ff:ff',
): Buffer {
  const head = Buffer.concat([
    bytes(macBytes(dstMac)),
    bytes(macBytes(senderMac)),
    Buffer.from([0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, operation]),
  ]);
  const target = operation === 1 ? Buffer.alloc(6) : bytes(macBytes(dstMac));
  return Buffer.concat([
    head, bytes(macBytes(senderMac)), bytes(ipBytes(senderIp)), target, bytes(ipBytes(targetIp)),
  ]);
}

/** The frame with some bytes changed, cut anywhere: what a broken sender or a short capture leaves of it. */
export function damaged(whole: Buffer): fc.Arbitrary<Buffer> {
  return fc.tuple(
    fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 6 }),
    fc.nat(whole.length),
  ).map(([edits, length]) => {
    const bytes = Buffer.from(whole);
    for (const [at, to] of edits) bytes[at] = to;
    return bytes.subarray(0, length);
  });
}
