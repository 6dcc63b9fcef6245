import { describe, expect, it } from 'vitest';
import { gratuitousArp } from '../../../src/agents/l3/gratuitous-arp.js';

const hex = (frame: Uint8Array): string => Buffer.from(frame).toString('hex');

describe('gratuitousArp (RFC 5227 §3)', () => {
  it('is a broadcast of 42 bytes that has the address as sender and as target', () => {
    expect(hex(gratuitousArp('request', 'fa:16:3e:00:02:04', '203.0.113.101')))
      .toBe('fffffffffffffa163e000204' + '0806' + '0001080006040001' + 'fa163e000204' + 'cb007165' + '000000000000' + 'cb007165');
  });

  it('is told as a reply to everybody, too', () => {
    expect(hex(gratuitousArp('reply', 'fa:16:3e:00:02:04', '203.0.113.101')))
      .toBe('fffffffffffffa163e000204' + '0806' + '0001080006040002' + 'fa163e000204' + 'cb007165' + 'ffffffffffff' + 'cb007165');
  });
});
