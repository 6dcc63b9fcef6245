/** What every resource of the Networking API has in common: how it is changed, and how it is shown. */
import type { Json } from '../api/attribute.js';
import type { Create, Plural, Update } from '../api/attributes/tables.js';
import type { Intent } from '../intent.js';
import type { ResourceRecord } from '../records.js';

/** When and as whom something is made. */
export interface Made {
  readonly id: string;
  /** RFC 3339, whole seconds. */
  readonly at: string;
}

/** Each gives the next intent or throws; nothing is half changed. */
export interface Changes<Of extends Plural> {
  readonly create: (intent: Intent, values: Create<Of>, made: Made) => Intent;
  readonly update: (intent: Intent, record: ResourceRecord, values: Update<Of>, at: string) => Intent;
  readonly remove: (intent: Intent, record: ResourceRecord, at: string) => Intent;
}

/** The attributes that every resource has. */
export function commonOf(record: ResourceRecord) {
  return {
    id: record.id,
    name: record.name,
    description: record.description,
    tenant_id: record.projectId,
    project_id: record.projectId,
    tags: record.tags,
    created_at: record.createdAt,
    updated_at: record.updatedAt,
    revision_number: record.revision,
  };
}

/** An attribute that is only stored; what was made without the API has the default. */
export function storedOf<Value extends Json>(
  { stored }: ResourceRecord,
  attribute: string,
  initial: Value,
): Value {
  return Object.hasOwn(stored, attribute) ? (stored[attribute] as Value) : initial;
}

/** Those of the values that a record keeps, over those that it has. */
export function storedFrom(
  record: Pick<ResourceRecord, 'stored'> | undefined,
  values: Readonly<Record<string, unknown>>,
  attributes: readonly string[],
): ResourceRecord['stored'] {
  const given = attributes.filter((key) => values[key] !== undefined);
  return { ...record?.stored, ...Object.fromEntries(given.map((key) => [key, values[key]])) };
}

/** Name and description as a request has them, and what is only stored. */
export function wishOf(
  record: ResourceRecord | undefined,
  values: { readonly name?: string; readonly description?: string; readonly project_id?: string },
  attributes: readonly string[],
): Partial<ResourceRecord> {
  return {
    ...(values.name === undefined ? {} : { name: values.name }),
    ...(values.description === undefined ? {} : { description: values.description }),
    ...(values.project_id === undefined ? {} : { projectId: values.project_id }),
    stored: storedFrom(record, values, attributes),
  };
}
