/** The address values of a topology file: parsed, or a fault that says what is wrong and what to write. */
import {
  cidrFromText,
  ipFromText,
  ipOrCidrFromText,
  portMacFromText,
  type AddressText,
} from './address-text.js';
import type { Cidr, IpAddress, MacAddress } from './addresses.js';
import type { Name } from './identifiers.js';
import type { Value, YamlReader } from './yaml-reader.js';

type Read<Address> = (reader: YamlReader, value: Value) => Address | undefined;

export const readIp: Read<IpAddress> = addressReader(ipFromText);
export const readCidr: Read<Cidr> = addressReader(cidrFromText);
export const readIpOrCidr: Read<IpAddress | Cidr> = addressReader(ipOrCidrFromText);
export const readPortMac: Read<MacAddress> = addressReader(portMacFromText);

function addressReader<Address>(parse: (text: string) => AddressText<Address>): Read<Address> {
  return (reader, value) => {
    const text = reader.text(value);
    if (text === undefined) return undefined;
    const result = parse(text);
    return 'value' in result ? result.value : reader.fault(value.path, result.fault);
  };
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
