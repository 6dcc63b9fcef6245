/** Values of the store's entries: parsed again one by one, so that a broken one can be named. */
import {
  parseCidr,
  parseIp,
  parseMac,
  withPrefix,
  type Cidr,
  type InterfaceAddress,
  type IpAddress,
  type MacAddress,
} from '../../model/addresses.js';
import { isRecord } from '../../model/untrusted.js';
import { parseName, parseVni, type Name, type Vni } from '../../model/identifiers.js';

/** A JSON value and where it stands, so that a broken one can be named. */
export class Item {
  constructor(
    readonly value: unknown,
    private readonly path: string,
  ) {}

  field(key: string): Item {
    return this.optional(key) ?? new Item(undefined, `${this.path}.${key}`).missing();
  }

  optional(key: string): Item | undefined {
    if (typeof this.value !== 'object' || this.value === null || !Object.hasOwn(this.value, key))
      return undefined;
    return new Item((this.value as Record<string, unknown>)[key], `${this.path}.${key}`);
  }

  items(): Item[] {
    if (!Array.isArray(this.value)) throw this.wrong('a list');
    return this.value.map((value: unknown, at) => new Item(value, `${this.path}[${at}]`));
  }

  text(): string {
    if (typeof this.value !== 'string') throw this.wrong('a text');
    return this.value;
  }

  oneOf<Word extends string>(words: readonly Word[]): Word {
    const text = this.text();
    return words.find((word) => word === text) ?? this.fail(`one of ${words.join(', ')}`);
  }

  boolean(): boolean {
    if (typeof this.value !== 'boolean') throw this.wrong('true or false');
    return this.value;
  }

  /** Any JSON object. */
  record(): Readonly<Record<string, unknown>> {
    if (!isRecord(this.value)) throw this.wrong('an object');
    return this.value;
  }

  count(): number {
    if (typeof this.value !== 'number' || !Number.isSafeInteger(this.value) || this.value < 0)
      throw this.wrong('a count');
    return this.value;
  }

  name(): Name {
    return parseName(this.text()) ?? this.fail('a name');
  }
  vni(): Vni {
    return parseVni(this.count()) ?? this.fail('a VNI');
  }
  mac(): MacAddress {
    return parseMac(this.text()) ?? this.fail('a MAC address');
  }
  ip(): IpAddress {
    return parseIp(this.text()) ?? this.fail('an IP address');
  }

  cidr(): Cidr {
    const result = parseCidr(this.text());
    return result.kind === 'cidr' ? result.cidr : this.fail('a prefix');
  }

  ipOrCidr(): IpAddress | Cidr {
    return parseIp(this.text()) ?? this.cidr();
  }

  interfaceAddress(): InterfaceAddress {
    const result = parseCidr(this.text());
    const ip = parseIp(this.text().split('/')[0] ?? '');
    return result.kind === 'malformed' || ip === undefined
      ? this.fail('an address with its prefix')
      : withPrefix(ip, result.cidr);
  }

  wrong(wanted: string): Error {
    return new Error(`${this.path} is not ${wanted}`);
  }

  private missing(): never {
    throw new Error(`${this.path} is missing`);
  }

  private fail(wanted: string): never {
    throw this.wrong(wanted);
  }
}
