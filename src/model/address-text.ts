/**
 * Addresses as people write them, in topology files and in API requests alike: parsed, or a sentence that
 * says what is wrong and what to write. Where the text stood is the reader's to add.
 */
import {
  isStationMac,
  parseCidr,
  parseIp,
  parseMac,
  type Cidr,
  type IpAddress,
  type MacAddress,
} from './addresses.js';
import { DVR_MAC_OUI } from './limits.js';

export type AddressText<Address> = { readonly value: Address } | { readonly fault: string };

/**
 * @example
 * const result = ipFromText('10.1.0.300');
 * if ('fault' in result) console.log(result.fault); // "10.1.0.300" is no IPv4 or IPv6 address
 */
export function ipFromText(text: string): AddressText<IpAddress> {
  const value = parseIp(text);
  return value === undefined ? no(text, 'is no IPv4 or IPv6 address') : { value };
}

export function cidrFromText(text: string): AddressText<Cidr> {
  const result = parseCidr(text);
  switch (result.kind) {
    case 'cidr':
      return { value: result.cidr };
    case 'host_bits':
      return no(text, `has host bits set; write ${result.cidr}`);
    case 'malformed':
      return no(text, 'is no prefix; write one like 10.1.0.0/24');
  }
}

/** What an allowed address pair may lend to a port. */
export function ipOrCidrFromText(text: string): AddressText<IpAddress | Cidr> {
  const ip = parseIp(text);
  if (ip !== undefined) return { value: ip };
  return parseCidr(text).kind === 'malformed'
    ? no(text, 'is neither an address nor a prefix')
    : cidrFromText(text);
}

/** A MAC a port may have: a station's, and not of the range DVR MACs are made from. */
export function portMacFromText(text: string): AddressText<MacAddress> {
  const mac = parseMac(text);
  if (mac === undefined) return no(text, 'is no MAC address; write one like fa:16:3e:00:00:01');
  if (!isStationMac(mac))
    return { fault: `${mac} is a group address or zero; a port needs one of its own` };
  if (mac.startsWith(DVR_MAC_OUI))
    return { fault: `${mac} is in ${DVR_MAC_OUI}, which is kept for DVR MACs` };
  return { value: mac };
}

const no = (text: string, why: string): { readonly fault: string } => ({
  fault: `${JSON.stringify(text)} ${why}`,
});
