/**
 * How hosts of an IPv6 subnet come by their addresses, and which ones they make themselves.
 *
 *   static     (unless said otherwise) the controller gives the address, nothing is advertised
 *   stateful   the controller gives the address; routers advertise the M flag (RFC 4861 section 4.2)
 *   slaac      the host makes the address of prefix and MAC (RFC 4862 section 5.5), and has no other there
 */
import { contains, nthHost, type Cidr, type IpAddress, type MacAddress } from './addresses.js';
import type { NetworkIntent } from './resources.js';

/** The modes in which a subnet is advertised. */
export const advertisedModes = ['slaac', 'stateful'] as const;
export type AdvertisedMode = (typeof advertisedModes)[number];

export const ipv6Modes = [...advertisedModes, 'static'] as const;
export type Ipv6Mode = (typeof ipv6Modes)[number];

export const isIpv6Mode = (text: string): text is Ipv6Mode => (ipv6Modes as readonly string[]).includes(text);

/** An interface identifier has 64 bits (RFC 4291 section 2.5.1). */
export const SLAAC_PREFIX_BITS = 64;

type Subnets = Pick<NetworkIntent, 'subnets'>;

/** The modified EUI-64 of a MAC: the lower half of the address (RFC 4291 appendix A). */
function interfaceIdOf(mac: MacAddress): bigint {
  const number = BigInt(`0x${mac.replaceAll(':', '')}`);
  const universal = 1n << 41n;
  return (((number >> 24n) << 40n) | (0xfffen << 24n) | (number & 0xff_ffffn)) ^ (universal << 16n);
}

/** The address a host with the MAC makes itself in a /64. */
export function slaacIp(cidr: Cidr, mac: MacAddress): IpAddress {
  const ip = nthHost(cidr, interfaceIdOf(mac));
  if (ip === undefined) throw new Error(`${cidr} has no room for an address of ${mac}`);
  return ip;
}

/** The link-local address that every IPv6 host makes of its MAC (RFC 4291 section 2.5.6). */
export const linkLocalOf = (mac: string): IpAddress => slaacIp(kLinkLocal, mac as MacAddress);

const kLinkLocal = 'fe80::/64' as Cidr;

/** The addresses a host with the MAC makes itself in the network. */
export function slaacIps({ subnets }: Subnets, mac: MacAddress): readonly IpAddress[] {
  return subnets.filter(({ ipv6 }) => ipv6 === 'slaac').map(({ cidr }) => slaacIp(cidr, mac));
}

/** Those of the addresses that the controller gives. */
export function givenIps(ips: readonly IpAddress[], { subnets }: Subnets): readonly IpAddress[] {
  const slaac = subnets.filter(({ ipv6 }) => ipv6 === 'slaac');
  return ips.filter((ip) => !slaac.some(({ cidr }) => contains(cidr, ip)));
}

/** Why the address cannot be asked for, as a sentence; undefined where it is given or the host's own. */
export function whyNotGiven(
  ip: IpAddress, { subnets }: Subnets, mac: MacAddress | undefined,
): string | undefined {
  const slaac = subnets.find(({ cidr, ipv6 }) => ipv6 === 'slaac' && contains(cidr, ip));
  if (slaac === undefined || (mac !== undefined && slaacIp(slaac.cidr, mac) === ip)) return undefined;
  return `${ip} is in ${slaac.cidr}, where hosts make their address of their MAC (slaac); leave it out`;
}
