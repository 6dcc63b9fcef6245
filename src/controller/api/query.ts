/** The query of a list or show request: which resources, which of their attributes, in which order and page. */
import type { AttributeTable } from './attribute.js';
import type { ApiResource } from './collection.js';
import { NeutronFault } from './faults.js';
import { filterOf, type Filter } from './filters.js';
import { boolean } from './kinds/plain.js';
import { pythonText } from './python-text.js';

export interface Query {
  /** Whether a resource is asked for. */
  readonly matches: Filter;
  /** Empty: all attributes. Unknown ones are passed over, since clients ask for what newer servers have. */
  readonly fields: readonly string[];
  readonly order: (left: ApiResource, right: ApiResource) => number;
  readonly page: Page | undefined;
}

export interface Page {
  /** 0: as many as there are. */
  readonly limit: number;
  readonly marker: string | undefined;
  readonly isReverse: boolean;
}

const pageKeys = ['limit', 'marker', 'page_reverse'];
const ownKeys = new Set(['fields', 'sort_key', 'sort_dir', ...pageKeys]);

/** @throws NeutronFault */
export function parseQuery(table: AttributeTable, params: URLSearchParams): Query {
  const keys = [...new Set(params.keys())].filter((key) => !ownKeys.has(key));
  const filters = keys.map((key) => filterOf(table, key, params.getAll(key)));
  const unknown = keys.filter((_, at) => filters[at] === undefined);
  if (unknown.length > 0) throw bad(`['${unknown.join("', '")}'] is invalid attribute for filtering`);
  return {
    matches: (resource) => filters.every((filter) => filter?.(resource) === true),
    fields: fieldsOf(params),
    order: orderOf(table, params),
    page: pageOf(params),
  };
}

export function fieldsOf(params: URLSearchParams): readonly string[] {
  return params.getAll('fields').filter((field) => field !== '');
}

/** The attributes that are asked for. */
export function selected(
  resource: Readonly<Record<string, unknown>>,
  fields: readonly string[],
): Readonly<Record<string, unknown>> {
  if (fields.length === 0) return resource;
  return Object.fromEntries(Object.entries(resource).filter(([key]) => fields.includes(key)));
}

/** By what was asked, and last by id, so that pages follow each other whatever is equal. */
function orderOf(table: AttributeTable, params: URLSearchParams): Query['order'] {
  const keys = params.getAll('sort_key').filter((key) => key !== '');
  const directions = params.getAll('sort_dir').filter((direction) => direction !== '');
  if (keys.length !== directions.length)
    throw bad('The number of sort_keys and sort_dirs must be same');
  const wrong = directions.filter((direction) => direction !== 'asc' && direction !== 'desc');
  if (wrong.length > 0)
    throw bad(`['${wrong.join("', '")}'] is invalid value for sort_dirs, valid value is 'asc' and 'desc'`);
  const unknown = keys.filter((key) => !(Object.hasOwn(table, key) && table[key]?.sort === true));
  if (unknown.length > 0) throw bad(`['${unknown.join("', '")}'] is invalid attribute for sort_keys`);
  const steps = keys.map((key, at) => ({ key, sign: directions[at] === 'desc' ? -1 : 1 }));
  return (left, right) => {
    for (const { key, sign } of steps) {
      const difference = compare(left[key], right[key]);
      if (difference !== 0) return sign * difference;
    }
    return compare(left.id, right.id);
  };
}

/** Numbers by size, all else as text; what is null comes first. */
function compare(left: unknown, right: unknown): number {
  if (left === right) return 0;
  if (left === null || left === undefined) return -1;
  if (right === null || right === undefined) return 1;
  if (typeof left === 'number' && typeof right === 'number') return left - right;
  return String(left) < String(right) ? -1 : String(left) > String(right) ? 1 : 0;
}

function pageOf(params: URLSearchParams): Page | undefined {
  if (!pageKeys.some((key) => params.has(key))) return undefined;
  const limit = params.get('limit') ?? '0';
  if (!/^\d{1,9}$/.test(limit))
    throw new NeutronFault(
      'BadRequest',
      `Bad limit request: Limit must be an integer 0 or greater and not '${pythonText(limit)}'.`,
    );
  return {
    limit: Number(limit),
    marker: params.get('marker') ?? undefined,
    isReverse: boolean.parse(params.get('page_reverse') ?? false, 'page_reverse'),
  };
}

function bad(message: string): NeutronFault {
  return new NeutronFault('HTTPBadRequest', message);
}
