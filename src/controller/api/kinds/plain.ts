/** The plain kinds of values: texts, numbers, booleans, identifiers and addresses, each in its canonical form. */
import {
  isStationMac,
  parseCidr,
  parseIp,
  parseMac,
  type Cidr,
  type IpAddress,
  type MacAddress,
} from '../../../model/addresses.js';
import { DVR_MAC_OUI } from '../../../model/limits.js';
import { isRecord, type UntrustedRecord } from '../../../model/untrusted.js';
import type { Json, Kind } from '../attribute.js';
import { invalid, invalidInput } from '../faults.js';
import { pythonLiteral, pythonText } from '../python-text.js';

/** Neutron's database has this much room for names and descriptions. */
export const MAX_TEXT_LENGTH = 255;

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const digitsPattern = /^-?\d{1,15}$/;
const trueWords = new Set(['true', 't', 'yes', 'y', 'on', '1']);
const falseWords = new Set(['false', 'f', 'no', 'n', 'off', '0']);

export function text(maxLength = MAX_TEXT_LENGTH): Kind<string> {
  return {
    parse: (value, attribute) => {
      // A NUL would cut the name short in every log and shell it comes to.
      if (typeof value !== 'string' || value.includes('\0'))
        throw invalid(attribute, `'${pythonText(value)}' is not a valid string`);
      if ([...value].length > maxLength)
        throw invalid(attribute, `'${pythonText(value)}' exceeds maximum length of ${maxLength}`);
      return value;
    },
  };
}

export const boolean: Kind<boolean> = {
  parse: (value) => {
    const word = typeof value === 'string' ? value.toLowerCase() : String(value);
    const isScalar = typeof value !== 'object' && value !== undefined;
    if (isScalar && trueWords.has(word)) return true;
    if (isScalar && falseWords.has(word)) return false;
    throw invalidInput(`'${pythonText(value)}' cannot be converted to boolean`);
  },
  fromQuery: (word) => boolean.parse(word, ''),
};

export const integer: Kind<number> = {
  parse: (value) => {
    if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
    if (typeof value === 'string' && digitsPattern.test(value)) return Number(value);
    throw invalidInput(`'${pythonText(value)}' is not an integer`);
  },
  fromQuery: (word) => integer.parse(word, ''),
};

export function integerBetween(least: number, most: number): Kind<number> {
  return {
    ...integer,
    parse: (value, attribute) => {
      const number = integer.parse(value, attribute);
      if (number < 0 && least === 0)
        throw invalid(attribute, `'${number}' should be non-negative`);
      if (number < least)
        throw invalid(attribute, `'${number}' is too small - must be at least '${least}'`);
      if (number > most)
        throw invalid(attribute, `'${number}' is too large - must be no larger than '${most}'`);
      return number;
    },
  };
}

export function oneOf<const Word extends string>(words: readonly Word[]): Kind<Word> {
  return {
    parse: (value, attribute) => {
      const word = words.find((known) => known === value);
      if (word === undefined)
        throw invalid(attribute, `${pythonText(value)} is not in valid_values`);
      return word;
    },
  };
}

export const ipVersion: Kind<4 | 6> = {
  parse: (value, attribute) => {
    const number = integer.parse(value, attribute);
    if (number === 4 || number === 6) return number;
    throw invalid(attribute, `${number} is not in valid_values`);
  },
  fromQuery: (word) => integer.parse(word, ''),
};

export const uuid: Kind<string> = {
  parse: (value, attribute) => {
    if (typeof value === 'string' && uuidPattern.test(value)) return value.toLowerCase();
    throw invalid(attribute, `'${pythonText(value)}' is not a valid UUID`);
  },
};

export function isUuid(value: unknown): value is string {
  return typeof value === 'string' && uuidPattern.test(value);
}

export const ip: Kind<IpAddress> = {
  parse: (value, attribute) => {
    const address = typeof value === 'string' ? parseIp(value) : undefined;
    if (address === undefined)
      throw invalid(attribute, `'${pythonText(value)}' is not a valid IP address`);
    return address;
  },
  // What is no address is no resource's either: such a filter finds nothing.
  fromQuery: (word) => parseIp(word) ?? word,
};

/** A prefix; one with host bits is more often a mistake than a wish. */
export const cidr: Kind<Cidr> = {
  parse: (value, attribute) => {
    const result = parseCidr(typeof value === 'string' ? value : '');
    switch (result.kind) {
      case 'cidr':
        return result.cidr;
      case 'host_bits':
        throw invalid(
          attribute,
          `'${pythonText(value)}' is not a recognized CIDR, '${result.cidr}' is recommended`,
        );
      case 'malformed':
        throw invalid(attribute, `'${pythonText(value)}' is not a valid CIDR`);
    }
  },
};

/** The MAC a port may have: a station's, and not one of the range that DVR MACs are made from. */
export const mac: Kind<MacAddress> = {
  parse: (value, attribute) => {
    const address = typeof value === 'string' ? parseMac(value) : undefined;
    if (address === undefined || !isStationMac(address))
      throw invalid(attribute, `'${pythonText(value)}' is not a valid MAC address`);
    if (address.startsWith(DVR_MAC_OUI))
      throw invalid(attribute, `'${address}' is in ${DVR_MAC_OUI}, which is kept for DVR MACs`);
    return address;
  },
  fromQuery: (word) => parseMac(word) ?? word,
};

/** The kind, or null. */
export function orNull<Value>(kind: Kind<Value>): Kind<Value | null> {
  return { ...kind, parse: (value, attribute) => (value === null ? null : kind.parse(value, attribute)) };
}

/** The kind, null being a way to say nothing is wanted. */
export function nullAs<Value>(kind: Kind<Value>, meant: NoInfer<Value>): Kind<Value> {
  return { ...kind, parse: (value, attribute) => (value === null ? meant : kind.parse(value, attribute)) };
}

/** A list of at most so many, read item by item; `what` is Neutron's word for one. */
export function list<Item>(item: Kind<Item>, limit: number): Kind<readonly Item[]> {
  return {
    parse: (value, attribute) => {
      if (!Array.isArray(value)) throw invalid(attribute, `'${pythonText(value)}' is not a list`);
      if (value.length > limit)
        throw invalid(attribute, `${value.length} items exceed the maximum of ${limit}`);
      return value.map((each: unknown) => item.parse(each, attribute));
    },
  };
}

/** What only the controller says: nobody's value is ever read. */
export const shown: Kind<Json> = {
  parse: (value, attribute) => {
    throw invalid(attribute, `${pythonLiteral(value)} cannot be set`);
  },
};

/** The object with all of the needed keys and no others than the known ones. */
export function keysOf(
  value: unknown,
  attribute: string,
  needed: readonly string[],
  known: readonly string[] = needed,
): UntrustedRecord {
  if (!isRecord(value)) throw invalid(attribute, `'${pythonText(value)}' is not a dictionary`);
  const keys = Object.keys(value);
  const set = (words: readonly string[]): string => `{${words.map((word) => `'${word}'`).join(', ')}}`;
  if (needed.some((key) => !keys.includes(key)))
    throw invalid(
      attribute,
      `Validation of dictionary's keys failed. Expected keys: ${set(needed)} Provided keys: ${set(keys)}`,
    );
  const unexpected = keys.filter((key) => !known.includes(key));
  if (unexpected.length > 0)
    throw invalid(attribute, `Unexpected keys supplied: ${unexpected.slice(0, 10).join(', ')}`);
  return value;
}

/** The first text that is there twice. */
export function duplicateOf(texts: readonly string[]): string | undefined {
  return texts.find((text, at) => texts.indexOf(text) !== at);
}
