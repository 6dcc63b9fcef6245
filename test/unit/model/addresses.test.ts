import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  broadcastAddress,
  contains,
  familyOf,
  isHostAddress,
  isStationMac,
  nthHost,
  overlaps,
  parseCidr,
  parseIp,
  parseMac,
  prefixOf,
  sizeOf,
  withPrefix,
  withoutPrefix,
  type Cidr,
  type IpAddress,
  type MacAddress,
} from '../../../src/model/addresses.js';

const ip = (text: string): IpAddress => parseIp(text) as IpAddress;
const cidr = (text: string): Cidr => {
  const result = parseCidr(text);
  if (result.kind !== 'cidr') throw new Error(text);
  return result.cidr;
};

describe('MAC addresses', () => {
  it('become lower case with colons', () => {
    expect(parseMac('FA-16-3E-00-01-0A')).toBe('fa:16:3e:00:01:0a');
  });

  it.each([
    'fa:16:3e:00:01',
    'fa:16:3e:00:01:0a:0b',
    'fa:16-3e:00:01:0a',
    'fa163e00010a',
    'ga:16:3e:00:01:0a',
    '',
  ])('are refused when malformed: "%s"', (text) => {
    expect(parseMac(text)).toBeUndefined();
  });

  it('of a station are neither group addresses nor zero', () => {
    expect(
      ['fa:16:3e:00:00:01', '01:00:5e:00:00:01', '00:00:00:00:00:00'].map((mac) =>
        isStationMac(mac as MacAddress),
      ),
    ).toEqual([true, false, false]);
  });
});

describe('IP addresses', () => {
  it('of IPv6 become what RFC 5952 writes', () => {
    expect(parseIp('2001:DB8:0:0:1:0:0:1')).toBe('2001:db8::1:0:0:1');
  });

  it.each([
    '10.1',
    '010.1.0.1',
    '10.1.0.256',
    '10.1.0.1.2',
    '1',
    'fe80::1%eth0',
    '::ffff:10.0.0.1',
    '2001:db8::1::2',
    '',
  ])('that programs read differently, or that are malformed, are refused: "%s"', (text) => {
    expect(parseIp(text)).toBeUndefined();
  });

  it.each([
    '0.0.0.0',
    '127.0.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '240.0.0.1',
    '::',
    '::1',
    'ff02::1',
    'fe80::1',
  ])('that no guest may have are known: %s', (text) => {
    expect(isHostAddress(ip(text))).toBe(false);
  });

  it('survive being parsed again', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
        const parsed = parseIp(text);
        return parsed === undefined || parseIp(parsed) === parsed;
      }),
    );
  });
});

describe('prefixes', () => {
  it('with host bits set are told what was probably meant', () => {
    expect(parseCidr('10.1.0.1/24')).toEqual({ kind: 'host_bits', cidr: '10.1.0.0/24' });
    expect(parseCidr('2001:db8::1/64')).toEqual({ kind: 'host_bits', cidr: '2001:db8::/64' });
  });

  it.each([
    '10.1.0.0',
    '10.1.0.0/33',
    '10.1.0.0/-1',
    '10.1.0.0/024',
    '/24',
    '2001:db8::/129',
    '10.1.0.0/24/24',
  ])('are refused when malformed: "%s"', (text) => {
    expect(parseCidr(text).kind).toBe('malformed');
  });

  it('count their hosts from the network address to the broadcast address', () => {
    expect(nthHost(cidr('10.1.0.0/24'), 1n)).toBe('10.1.0.1');
    expect(nthHost(cidr('10.1.0.0/24'), 256n)).toBeUndefined();
    expect(broadcastAddress(cidr('10.1.0.0/24'))).toBe('10.1.0.255');
    expect(nthHost(cidr('2001:db8::/64'), 1n)).toBe('2001:db8::1');
    expect(broadcastAddress(cidr('2001:db8::/64'))).toBeUndefined();
  });

  it('hold each of their hosts, and no address next to them', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.ipV4(), fc.ipV6()),
        fc.nat(128),
        fc.bigInt({ min: 0n, max: 1n << 128n }),
        (text, length, n) => {
          const parsed = parseIp(text);
          if (parsed === undefined) return;
          const prefix = prefixOf(parsed, familyOf(parsed) === 4 ? length % 33 : length);
          const host = nthHost(prefix, n % sizeOf(prefix));
          expect(host !== undefined && contains(prefix, host)).toBe(true);
          expect(overlaps(prefix, prefixOf(host as IpAddress, Number(prefix.split('/')[1])))).toBe(
            true,
          );
        },
      ),
    );
    expect(contains(cidr('10.1.0.0/24'), ip('10.1.1.0'))).toBe(false);
    expect(contains(cidr('0.0.0.0/0'), ip('2001:db8::1'))).toBe(false);
  });

  it('hold an IPv4 address exactly when they are its prefix of that length', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.ipV4(), fc.nat(32), (left, right, bits) => {
        const prefix = prefixOf(ip(left), bits);
        expect(contains(prefix, ip(right))).toBe(prefixOf(ip(right), bits) === prefix);
      }),
    );
    expect(contains(cidr('255.255.255.255/32'), ip('255.255.255.255'))).toBe(true);
    expect(contains(cidr('128.0.0.0/1'), ip('127.255.255.255'))).toBe(false);
  });

  it.each(['256.1.1.1', '1.2.3', '1.2.3.4.', '1.2.3.4.5', '01.2.3.4', '1.2.3.', '.1.2.3', '1..2.3'])(
    'of IPv4 are four numbers up to 255: "%s" is none', (text) => {
      expect(parseIp(text)).toBeUndefined();
    });

  it('overlap when one lies in the other', () => {
    expect(overlaps(cidr('10.0.0.0/8'), cidr('10.1.0.0/16'))).toBe(true);
    expect(overlaps(cidr('10.1.0.0/16'), cidr('10.0.0.0/8'))).toBe(true);
    expect(overlaps(cidr('10.1.0.0/24'), cidr('10.1.1.0/24'))).toBe(false);
  });

  it('give an address its length and take it away again', () => {
    const address = withPrefix(ip('10.1.0.1'), cidr('10.1.0.0/24'));
    expect([address, withoutPrefix(address)]).toEqual(['10.1.0.1/24', '10.1.0.1']);
  });
});
