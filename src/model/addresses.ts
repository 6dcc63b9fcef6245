/**
 * MAC addresses, IP addresses and prefixes: text in, canonical branded text out.
 *
 * Canonical is what the rest of the product compares with `===`: MACs lower case with colons, IPv4 as
 * four decimals, IPv6 as RFC 5952 writes it, a prefix with its host bits zero. Parsers answer undefined
 * for what is malformed; the caller knows the line and path to complain about. Arithmetic takes and
 * gives these values only, so it has no failures of its own but running out of a prefix.
 */
import ipaddr from 'ipaddr.js';
import type { Branded } from './identifiers.js';

export type MacAddress = Branded<string, 'MacAddress'>;
export type IpAddress = Branded<string, 'IpAddress'>;
/** A network prefix, host bits zero: "10.1.0.0/24". */
export type Cidr = Branded<string, 'Cidr'>;
/** An address with the length of its prefix, as `ip addr` takes it: "10.1.0.1/24". */
export type InterfaceAddress = Branded<string, 'InterfaceAddress'>;

export type IpFamily = 4 | 6;

const macPattern = /^[0-9a-f]{2}(?:([:-])[0-9a-f]{2})(?:\1[0-9a-f]{2}){4}$/;
/** Octal and short forms ("010.1", "10.1") mean different addresses to different programs: refused. */
const ipv4Pattern = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;
const prefixPattern = /^(?:0|[1-9]\d{0,2})$/;

export function parseMac(text: string): MacAddress | undefined {
  const lower = text.toLowerCase();
  return macPattern.test(lower) ? (lower.replaceAll('-', ':') as MacAddress) : undefined;
}

/** The MAC with the given upper three octets and lower 24 bits. */
export function macOf(oui: string, low24: number): MacAddress {
  const digits = low24.toString(16).padStart(6, '0');
  return `${oui}:${digits.slice(0, 2)}:${digits.slice(2, 4)}:${digits.slice(4, 6)}` as MacAddress;
}

/** Whether the MAC can be a station's own: neither a group address nor zero. */
export function isStationMac(mac: MacAddress): boolean {
  return (Number.parseInt(mac.slice(0, 2), 16) & 1) === 0 && mac !== '00:00:00:00:00:00';
}

/** Zone ids ("fe80::1%eth0") and IPv4-mapped addresses are refused: they name nothing on a wire. */
export function parseIp(text: string): IpAddress | undefined {
  if (ipv4Pattern.test(text)) return text as IpAddress;
  if (!text.includes(':') || text.includes('%') || !ipaddr.IPv6.isValid(text)) return undefined;
  const parsed = ipaddr.IPv6.parse(text);
  return parsed.isIPv4MappedAddress() ? undefined : (parsed.toRFC5952String() as IpAddress);
}

export type CidrResult =
  | { readonly kind: 'cidr'; readonly cidr: Cidr }
  /** Well formed but for host bits: `cidr` is the prefix that was probably meant. */
  | { readonly kind: 'host_bits'; readonly cidr: Cidr }
  | { readonly kind: 'malformed' };

export function parseCidr(text: string): CidrResult {
  const slash = text.indexOf('/');
  const ip = parseIp(text.slice(0, Math.max(slash, 0)));
  const length = text.slice(slash + 1);
  if (ip === undefined || !prefixPattern.test(length) || Number(length) > widthOf(familyOf(ip))) {
    return { kind: 'malformed' };
  }
  const cidr = prefixOf(ip, Number(length));
  return { kind: cidr === `${ip}/${length}` ? 'cidr' : 'host_bits', cidr };
}

export function familyOf(address: IpAddress | Cidr): IpFamily {
  return address.includes(':') ? 6 : 4;
}

/** Bits in an address of the family. */
export function widthOf(family: IpFamily): number {
  return family === 4 ? 32 : 128;
}

/** The prefix of the given length that holds the address. */
export function prefixOf(ip: IpAddress, prefixBits: number): Cidr {
  const hostBits = BigInt(widthOf(familyOf(ip)) - prefixBits);
  return `${ipOf((numberOf(ip) >> hostBits) << hostBits, familyOf(ip))}/${prefixBits}` as Cidr;
}

export function prefixBitsOf(cidr: Cidr | InterfaceAddress): number {
  return Number(cidr.slice(cidr.indexOf('/') + 1));
}

/** The all-zero host: IPv4's network address, IPv6's subnet-router anycast (RFC 4291 section 2.6.1). */
export function networkAddress(cidr: Cidr): IpAddress {
  return cidr.slice(0, cidr.indexOf('/')) as IpAddress;
}

/** How many addresses the prefix holds, the network and broadcast address among them. */
export function sizeOf(cidr: Cidr): bigint {
  return 1n << BigInt(widthOf(familyOf(cidr)) - prefixBitsOf(cidr));
}

/** The nth address of the prefix, 0 being the network address; undefined past its end. */
export function nthHost(cidr: Cidr, n: bigint): IpAddress | undefined {
  if (n < 0n || n >= sizeOf(cidr)) return undefined;
  return ipOf(numberOf(networkAddress(cidr)) + n, familyOf(cidr));
}

/** IPv4's all-ones host; IPv6 has no broadcast. */
export function broadcastAddress(cidr: Cidr): IpAddress | undefined {
  return familyOf(cidr) === 4 ? nthHost(cidr, sizeOf(cidr) - 1n) : undefined;
}

export function contains(cidr: Cidr, ip: IpAddress): boolean {
  const family = familyOf(cidr);
  if (family !== familyOf(ip)) return false;
  const bits = prefixBitsOf(cidr);
  if (family === 6) return prefixOf(ip, bits) === cidr;
  // Without big numbers: it is asked for every address of a network, and they are tens of thousands.
  return bits === 0 || (ipv4NumberOf(ip) ^ ipv4NumberOf(networkAddress(cidr))) >>> (32 - bits) === 0;
}

/** The same of text, which names nothing where it is malformed; host bits of the prefix are left out. */
export function isInCidr(text: string, cidr: string): boolean {
  const [ip, prefix] = [parseIp(text), parseCidr(cidr)];
  return ip !== undefined && prefix.kind !== 'malformed' && contains(prefix.cidr, ip);
}

function ipv4NumberOf(ip: IpAddress): number {
  return ip.split('.').reduce((sum, byte) => (sum << 8) | Number(byte), 0);
}

/** Below zero where the left address is the lower one of the same family. */
export function compareIps(left: IpAddress, right: IpAddress): number {
  const difference = numberOf(left) - numberOf(right);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** How many addresses the second is after the first. */
export function ipDistance(first: IpAddress, last: IpAddress): bigint {
  return numberOf(last) - numberOf(first);
}

/** The place of the address in its prefix, 0 being the network address. */
export function hostNumber(cidr: Cidr, ip: IpAddress): bigint {
  return numberOf(ip) - numberOf(networkAddress(cidr));
}

/** Whether two prefixes share an address: then the longer one lies in the shorter. */
export function overlaps(left: Cidr, right: Cidr): boolean {
  return contains(left, networkAddress(right)) || contains(right, networkAddress(left));
}

export function withPrefix(ip: IpAddress, cidr: Cidr): InterfaceAddress {
  return `${ip}/${prefixBitsOf(cidr)}` as InterfaceAddress;
}

/** The address part of "10.1.0.1/24". */
export function withoutPrefix(address: InterfaceAddress): IpAddress {
  return address.slice(0, address.indexOf('/')) as IpAddress;
}

/** The prefix that an interface address lies in. */
export function prefixAround(address: InterfaceAddress): Cidr {
  return prefixOf(withoutPrefix(address), prefixBitsOf(address));
}

/** Whether a host may have the address as its own on an ordinary network. */
export function isHostAddress(ip: IpAddress): boolean {
  const range = ipaddr.parse(ip).range();
  return (
    !['unspecified', 'broadcast', 'multicast', 'linkLocal', 'loopback'].includes(range) &&
    !isClassE(ip)
  );
}

/** 0/8 and 240/4 (RFC 1122 section 3.2.1.3, RFC 1112 section 4): Linux refuses them as a host's own. */
function isClassE(ip: IpAddress): boolean {
  const first = Number.parseInt(ip, 10);
  return familyOf(ip) === 4 && (first === 0 || first >= 240);
}

function numberOf(ip: IpAddress): bigint {
  if (familyOf(ip) === 4) return BigInt(ipv4NumberOf(ip) >>> 0);
  return ipaddr
    .parse(ip)
    .toByteArray()
    .reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

function ipOf(value: bigint, family: IpFamily): IpAddress {
  if (family === 4) return ipv4Of(Number(value));
  const bytes = Array.from({ length: widthOf(family) / 8 }, (_, at) =>
    Number((value >> BigInt(widthOf(family) - 8 * (at + 1))) & 0xffn),
  );
  return (ipaddr.fromByteArray(bytes) as ipaddr.IPv6).toRFC5952String() as IpAddress;
}

/** In plain numbers, for allocators walk through thousands of them. */
function ipv4Of(value: number): IpAddress {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff).join('.') as IpAddress;
}
