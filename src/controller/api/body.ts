/** Bodies of Networking API requests: text in, parsed values out, or Neutron's words for what is wrong. */
import { isRecord, type UntrustedRecord } from '../../model/untrusted.js';
import type { AttributeTable } from './attribute.js';
import { singulars, tables, type Create, type Plural, type Update } from './attributes/tables.js';
import { NeutronFault } from './faults.js';
import { MAX_BODY_DEPTH, MAX_BULK } from './limits.js';

/** Only these have bulk create, as in Neutron. */
const bulk: readonly Plural[] = ['networks', 'subnets', 'ports'];

/** The JSON that the text says; undefined where there is no text. @throws NeutronFault */
export function jsonOf(text: string): unknown {
  if (text.trim() === '') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw bad('Body contains invalid data');
  }
  if (depthOf(value) > MAX_BODY_DEPTH)
    throw bad(`Body contains invalid data: it nests deeper than ${MAX_BODY_DEPTH}`);
  return value;
}

export interface ParsedCreate<Of extends Plural> {
  readonly isBulk: boolean;
  readonly items: readonly Create<Of>[];
}

/**
 * What a POST to the collection asks for, defaults filled in.
 *
 * @example
 * parseCreate('networks', { network: { mtu: '1400' } }).items[0]?.mtu; // 1400
 * @throws NeutronFault
 */
export function parseCreate<Of extends Plural>(of: Of, body: unknown): ParsedCreate<Of> {
  const singular = singulars[of];
  if (isRecord(body) && of in body && !(singular in body)) {
    if (!bulk.includes(of)) throw bad('Bulk operation not supported');
    return { isBulk: true, items: bulkItems(of, body).map((item) => createValues(of, item)) };
  }
  return { isBulk: false, items: [createValues(of, wrapped(singular, body))] };
}

/** What a PUT asks to change. @throws NeutronFault */
export function parseUpdate<Of extends Plural>(of: Of, body: unknown): Update<Of> {
  const table: AttributeTable = tables[of];
  const given = wrapped(singulars[of], body);
  // A floating IP with nothing said of it is dissociated: older gophercloud leaves a port_id of null out.
  const isDissociated = of === 'floatingips' && Object.keys(given).length === 0;
  const fields: UntrustedRecord = isDissociated ? { port_id: null } : given;
  refuseUnknown(table, Object.keys(fields));
  const parsed = Object.entries(fields).map(([key, value]) => {
    const attribute = table[key];
    if (attribute?.put !== true) throw bad(`Cannot update read-only attribute ${key}`);
    return [key, attribute.kind.parse(value, key)] as const;
  });
  // Every key was looked up in the table whose values these are.
  return Object.fromEntries(parsed) as Update<Of>;
}

/** The object below the one key that a request has: {"network": {…}}. @throws NeutronFault */
export function wrapped(singular: string, body: unknown): UntrustedRecord {
  if (!isRecord(body) || !(singular in body))
    throw bad(`Unable to find '${singular}' in request body`);
  refuseKeysBeside(singular, body);
  const fields = body[singular];
  if (!isRecord(fields)) throw bad(`Object '${singular}' contains invalid data`);
  return fields;
}

function bulkItems(plural: string, body: UntrustedRecord): readonly unknown[] {
  refuseKeysBeside(plural, body);
  const items = body[plural];
  if (!Array.isArray(items)) throw bad(`Object '${plural}' contains invalid data`);
  if (items.length === 0) throw bad('Resources required');
  if (items.length > MAX_BULK)
    throw bad(`${items.length} resources are asked for; at most ${MAX_BULK} are made at once`);
  return items;
}

function createValues<Of extends Plural>(of: Of, item: unknown): Create<Of> {
  const table: AttributeTable = tables[of];
  if (!isRecord(item)) throw bad(`Object '${singulars[of]}' contains invalid data`);
  const fields = 'project_id' in table ? withProject(item) : item;
  refuseUnknown(table, Object.keys(fields));
  for (const [key, { post }] of Object.entries(table)) {
    if (post === 'refused' && key in fields) throw bad(`Attribute '${key}' not allowed in POST`);
    if (post === 'required' && !(key in fields))
      throw bad(`Failed to parse request. Required attribute '${key}' not specified`);
  }
  const parsed = Object.entries(table).flatMap(([key, { post, kind, default: meant }]) => {
    if (key in fields) return [[key, kind.parse(fields[key], key)] as const];
    return post === 'default' ? [[key, meant] as const] : [];
  });
  // Every key was looked up in the table whose values these are.
  return Object.fromEntries(parsed) as Create<Of>;
}

/** `tenant_id` is what `project_id` was called once; clients send one, or both alike. */
function withProject(item: UntrustedRecord): UntrustedRecord {
  if (!('tenant_id' in item)) return item;
  const { tenant_id: tenant, ...rest } = item;
  if ('project_id' in item && item['project_id'] !== tenant)
    throw bad("'project_id' and 'tenant_id' do not match");
  return { ...rest, project_id: tenant };
}

function refuseUnknown(table: AttributeTable, keys: readonly string[]): void {
  const unknown = keys.filter((key) => !Object.hasOwn(table, key));
  if (unknown.length > 0) throw unrecognized(unknown);
}

function refuseKeysBeside(key: string, body: UntrustedRecord): void {
  const others = Object.keys(body).filter((other) => other !== key);
  if (others.length > 0) throw unrecognized(others);
}

/** As many are named as a person reads. */
const MAX_NAMED = 10;

export function unrecognized(keys: readonly string[]): NeutronFault {
  return bad(`Unrecognized attribute(s) '${keys.slice(0, MAX_NAMED).join(', ').slice(0, 300)}'`);
}

function bad(message: string): NeutronFault {
  return new NeutronFault('HTTPBadRequest', message);
}

/** How deep the value nests, level by level: whatever was sent, nothing recurses into it. */
function depthOf(value: unknown): number {
  let level = [value];
  for (let depth = 0; ; depth++) {
    if (depth > MAX_BODY_DEPTH) return depth;
    level = level.filter((item) => typeof item === 'object' && item !== null);
    if (level.length === 0) return depth;
    level = level.flatMap((item) => Object.values(item as object) as unknown[]);
  }
}
