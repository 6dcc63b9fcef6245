/** The address values of a topology file: parsed, or a fault that says what is wrong and what to write. */
import {
  isStationMac,
  parseCidr,
  parseIp,
  parseMac,
  type Cidr,
  type IpAddress,
  type MacAddress,
} from './addresses.js';
import type { Name } from './identifiers.js';
import type { Value, YamlReader } from './yaml-reader.js';
import { DVR_MAC_OUI } from './limits.js';

export function readIp(reader: YamlReader, value: Value): IpAddress | undefined {
  const text = reader.text(value);
  if (text === undefined) return undefined;
  return parseIp(text) ?? reader.fault(value.path, `"${text}" is no IPv4 or IPv6 address`);
}

export function readCidr(reader: YamlReader, value: Value): Cidr | undefined {
  const text = reader.text(value);
  if (text === undefined) return undefined;
  const result = parseCidr(text);
  switch (result.kind) {
    case 'cidr':
      return result.cidr;
    case 'host_bits':
      return reader.fault(value.path, `"${text}" has host bits set; write ${result.cidr}`);
    case 'malformed':
      return reader.fault(value.path, `"${text}" is no prefix; write one like 10.1.0.0/24`);
  }
}

/** A MAC a port may have: a station's, and not of the range DVR MACs are made from. */
export function readPortMac(reader: YamlReader, value: Value): MacAddress | undefined {
  const text = reader.text(value);
  if (text === undefined) return undefined;
  const mac = parseMac(text);
  if (mac === undefined)
    return reader.fault(
      value.path,
      `"${text}" is no MAC address; write one like fa:16:3e:00:00:01`,
    );
  if (!isStationMac(mac))
    return reader.fault(
      value.path,
      `${mac} is a group address or zero; a port needs one of its own`,
    );
  if (mac.startsWith(DVR_MAC_OUI))
    return reader.fault(value.path, `${mac} is in ${DVR_MAC_OUI}, which is kept for DVR MACs`);
  return mac;
}

/** A name that must be one of `known`. */
export function readKnownName(
  reader: YamlReader,
  value: Value,
  what: string,
  known: ReadonlySet<Name>,
): Name | undefined {
  const name = reader.name(value);
  if (name === undefined || known.has(name)) return name;
  return reader.fault(value.path, `there is no ${what} "${name}"`);
}

/** Notes a fault where `key` was seen before; remembers it where it was not. */
export function claim(
  reader: YamlReader,
  taken: Map<string, string>,
  key: string,
  path: string,
  what: string,
): boolean {
  const owner = taken.get(key);
  if (owner === undefined) {
    taken.set(key, path);
    return true;
  }
  reader.fault(path, `${what} is taken by ${owner}`);
  return false;
}
