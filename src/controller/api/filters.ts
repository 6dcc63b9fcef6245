/**
 * Filters of lists, one for each key of a query. Values of one key are alternatives; a resource must pass
 * the filters of all keys.
 */
import { isRecord } from '../../model/untrusted.js';
import type { AttributeTable, Json } from './attribute.js';
import { invalidInput } from './faults.js';
import { ip } from './kinds/plain.js';
import { pythonText } from './python-text.js';

export type Filter = (resource: Readonly<Record<string, Json>>) => boolean;

/** The filter of one key; undefined where nothing can be filtered by it. @throws NeutronFault */
export function filterOf(
  table: AttributeTable,
  key: string,
  values: readonly string[],
): Filter | undefined {
  const special = Object.hasOwn(specials, key) ? specials[key] : undefined;
  if (special !== undefined && Object.hasOwn(table, special.needs)) return special.make(values);
  const attribute = Object.hasOwn(table, key) ? table[key] : undefined;
  if (attribute?.filter !== true) return undefined;
  const { fromQuery } = attribute.kind;
  const wanted: readonly Json[] = fromQuery === undefined ? values : values.map(fromQuery);
  return (resource) => {
    const value = resource[key] ?? null;
    // A filter has no word for null but the empty one.
    if (value === null) return wanted.includes('');
    return Array.isArray(value)
      ? value.some((item: Json) => wanted.includes(item))
      : wanted.includes(value);
  };
}

interface Special {
  /** The attribute that a table must have. */
  readonly needs: string;
  readonly make: (values: readonly string[]) => Filter;
}

const specials: Readonly<Record<string, Special>> = {
  tags: byTags((own, asked) => asked.every((tag) => own.includes(tag))),
  'tags-any': byTags((own, asked) => asked.some((tag) => own.includes(tag))),
  'not-tags': byTags((own, asked) => !asked.every((tag) => own.includes(tag))),
  'not-tags-any': byTags((own, asked) => !asked.some((tag) => own.includes(tag))),
  fixed_ips: { needs: 'fixed_ips', make: byFixedIps },
  changed_since: { needs: 'updated_at', make: changedSince },
};

function byTags(passes: (own: readonly unknown[], asked: readonly string[]) => boolean): Special {
  return {
    needs: 'tags',
    make: (values) => {
      const asked = values.flatMap((value) => value.split(',')).filter((tag) => tag !== '');
      return ({ tags }) => passes(Array.isArray(tags) ? tags : [], asked);
    },
  };
}

/** `fixed_ips=ip_address=10.1.0.11&fixed_ips=subnet_id=…`: one of the addresses must be all of it. */
function byFixedIps(values: readonly string[]): Filter {
  const asked = new Map<string, string[]>();
  for (const value of values) {
    const at = value.indexOf('=');
    const [key, wanted] = [value.slice(0, Math.max(at, 0)), value.slice(at + 1)];
    if (!['ip_address', 'subnet_id', 'ip_address_substr'].includes(key))
      throw invalidInput(`'${pythonText(value)}' is no filter of fixed_ips`);
    asked.set(key, [...(asked.get(key) ?? []), wanted]);
  }
  const addresses = asked.get('ip_address')?.map((word) => ip.fromQuery?.(word) ?? word);
  const subnets = asked.get('subnet_id');
  const parts = asked.get('ip_address_substr');
  const passes = (item: unknown): boolean => {
    if (!isRecord(item)) return false;
    const [address, subnet] = [String(item['ip_address']), String(item['subnet_id'])];
    return (
      addresses?.includes(address) !== false &&
      subnets?.includes(subnet) !== false &&
      parts?.some((part) => address.includes(part)) !== false
    );
  };
  return ({ fixed_ips: own }) => Array.isArray(own) && own.some(passes);
}

function changedSince(values: readonly string[]): Filter {
  const since = Math.max(...values.map(timeOf));
  return ({ updated_at: at }) => typeof at === 'string' && Date.parse(at) >= since;
}

function timeOf(value: string): number {
  const time = Date.parse(/[Zz]|[+-]\d\d:?\d\d$/.test(value) ? value : `${value}Z`);
  if (Number.isNaN(time)) throw invalidInput(`'${pythonText(value)}' is no time; write 2026-11-22T05:00:06Z`);
  return time;
}
