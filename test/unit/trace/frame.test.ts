import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isInCidr } from '../../../src/model/addresses.js';
import { internetChecksum, ipBytes, ipText } from '../../../src/model/wire-bytes.js';
import { echoFrame } from '../../../src/trace/echo.js';
import { decodeFrame } from '../../../src/trace/frame.js';
import { arpFrame, damaged, tagged, vxlanFrame } from './frames.js';
import { macs } from './crafted.js';

const marker = Buffer.alloc(16, 0xab);
const echo = {
  srcMac: macs.vm1,
  dstMac: macs.r1Red,
  srcIp: '10.1.0.11',
  dstIp: '10.2.0.12',
  ttl: 64,
  id: 7,
  sequence: 1,
  marker,
};
const echo6 = { ...echo, srcIp: 'fd01::11', dstIp: 'fd02::12' };

describe('an echo frame', () => {
  it('is what its fields say, in both families', () => {
    expect(decodeFrame(echoFrame(echo))).toMatchObject({
      srcMac: macs.vm1,
      dstMac: macs.r1Red,
      ip: {
        version: 4,
        src: '10.1.0.11',
        dst: '10.2.0.12',
        ttl: 64,
        protocol: 1,
        totalBytes: 84,
        icmp: { type: 8, code: 0, id: 7, sequence: 1 },
      },
    });
    expect(decodeFrame(echoFrame(echo6))).toMatchObject({
      ip: {
        version: 6,
        src: 'fd01::11',
        dst: 'fd02::12',
        ttl: 64,
        protocol: 58,
        icmp: { type: 128, id: 7 },
      },
    });
  });

  it('carries the marker first in its payload, and its checksums are right', () => {
    const frame = echoFrame(echo);
    expect(frame.subarray(42, 58)).toEqual(marker);
    expect(internetChecksum(frame.subarray(14, 34))).toBe(0);
    expect(internetChecksum(frame.subarray(34))).toBe(0);
    const frame6 = echoFrame(echo6);
    const pseudo = Buffer.concat([
      frame6.subarray(22, 54), Buffer.from([0, 0, 0, 64, 0, 0, 0, 58]),
    ]);
    expect(internetChecksum(Buffer.concat([pseudo, frame6.subarray(54)]))).toBe(0);
  });

  it('between two families is refused', () =>
    expect(() => echoFrame({ ...echo, dstIp: 'fd02::12' })).toThrow('different families'));
});

describe('decoding', () => {
  it('looks into VXLAN, once', () => {
    const inner = echoFrame(echo);
    const outer = vxlanFrame('172.16.0.11', '172.16.0.12', 102, inner);
    expect(decodeFrame(outer)?.ip?.vxlan).toMatchObject({
      flags: 8, vni: 102, inner: { srcMac: macs.vm1, ip: { ttl: 64 } },
    });
    const twice = decodeFrame(vxlanFrame('172.16.0.11', '172.16.0.12', 1, outer));
    expect(twice?.ip?.vxlan?.inner?.ip?.vxlan).toBeUndefined();
  });

  it('reads a VLAN tag and ARP', () => {
    expect(decodeFrame(tagged(2, echoFrame(echo)))).toMatchObject({
      vlan: 2, ip: { src: '10.1.0.11' },
    });
    expect(decodeFrame(arpFrame(1, macs.vm1, '10.1.0.11', '10.1.0.13'))).toMatchObject(
      {
        dstMac: 'ff:ff:ff:ff:ff:ff',
        arp: { operation: 1, senderIp: '10.1.0.11', targetIp: '10.1.0.13' },
      },
    );
  });

  it('walks IPv6 extension headers to the transport header', () => {
    const frame = echoFrame(echo6);
    const hopByHop = Buffer.from([58, 0, 1, 4, 0, 0, 0, 0]);
    const extended = Buffer.concat([frame.subarray(0, 54), hopByHop, frame.subarray(54)]);
    extended[20] = 0;
    expect(decodeFrame(extended)?.ip).toMatchObject({ protocol: 58, icmp: { type: 128 } });
  });

  it('does not read a transport header into a later fragment', () => {
    const frame = echoFrame(echo);
    frame.writeUInt16BE(100, 20);
    expect(decodeFrame(frame)?.ip).toMatchObject({ isFragment: true });
    expect(decodeFrame(frame)?.ip?.icmp).toBeUndefined();
  });

  it('never fails, whatever the bytes and wherever they end', () => {
    const whole = vxlanFrame('172.16.0.11', '172.16.0.12', 102, tagged(3, echoFrame(echo6)));
    fc.assert(
      fc.property(fc.oneof(
        damaged(whole), fc.uint8Array({ maxLength: 200 }),
      ), (bytes) => { decodeFrame(bytes); }),
      { numRuns: 2000 },
    );
  });
});

describe('addresses between bytes and text', () => {
  it('go there and back', () => {
    for (const text of [
      '10.1.0.11', 'fd01::11', '::', '2001:db8::1:0:0:1', 'fe80::f816:3eff:fe00:3',
      '1:2:3:4:5:6:7:8',
    ]) expect(ipText(ipBytes(text) ?? Buffer.alloc(0))).toBe(text);
    expect(ipBytes('10.1')).toBeUndefined();
  });

  it('are inside a prefix of their own family only', () => {
    expect(isInCidr('10.1.0.11', '10.1.0.0/24')).toBe(true);
    expect(isInCidr('10.1.1.11', '10.1.0.0/24')).toBe(false);
    expect(isInCidr('fd01::11', 'fd01::/64')).toBe(true);
    expect(isInCidr('fd01::11', '0.0.0.0/0')).toBe(false);
  });
});
