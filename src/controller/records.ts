/**
 * What the Networking API says of every resource beside what the fast path needs of it: its UUID, its name and
 * description, tags, when it was made and changed, how often, and the attributes that clients set and read
 * back and that change no packet.
 *
 * Records are settled after every command: each resource that is there has one, and one whose resource has
 * changed counts a revision more. So no command has to remember it, the file's and the agents' no less than the API's.
 */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Intent } from './intent.js';
import { spacesOf, type Kind, type Space } from './resource-index.js';
import { keysChanged } from './sharing.js';

export interface ResourceRecord {
  /** A UUID. */
  readonly id: string;
  readonly kind: Kind;
  /** Its place among those of its kind (resource-index.ts). */
  readonly key: string;
  /** Free text, not unique; what it is called inside is its key. */
  readonly name: string;
  readonly description: string;
  readonly projectId: string;
  readonly tags: readonly string[];
  /** RFC 3339, UTC, whole seconds. */
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly revision: number;
  /** Made by a client of the API: a topology file that does not name it leaves it alone. */
  readonly byClient: boolean;
  /** By attribute name of the API. */
  readonly stored: Readonly<Record<string, unknown>>;
}

/** By kind and key (placeOf). */
export type Records = ReadonlyMap<string, ResourceRecord>;

/** What clients set of a record. */
export type RecordWish = Partial<
  Pick<ResourceRecord, 'name' | 'description' | 'projectId' | 'tags' | 'stored'>
>;

export interface Place {
  readonly kind: Kind;
  readonly key: string;
}

export const placeOf = (kind: Kind, key: string): string => `${kind} ${key}`;

export const recordOf = ({ records }: Intent, kind: Kind, key: string): ResourceRecord | undefined =>
  records.get(placeOf(kind, key));

/** The intent after a command, with records for what is there now. @param at RFC 3339, whole seconds. */
export function withRecords(before: Intent, after: Intent, at: string): Intent {
  if (before === after) return after;
  const old = spacesOf(before);
  const records = new Map(after.records);
  const gone = new Set<string>();
  const found: string[] = [];
  for (const [index, space] of spacesOf(after).entries()) {
    const was = old[index] ?? { kind: space.kind, entries: new Map<string, unknown>() };
    if (was.entries === space.entries) continue;
    const changed = keysChanged(was.entries, space.entries);
    for (const key of changed) if (!space.entries.has(key)) gone.add(placeOf(space.kind, key));
    found.push(...settle(records, changed, was, space, { before, at, generation: after.generation }));
  }
  for (const place of found) gone.delete(place);
  for (const place of gone) records.delete(place);
  return { ...after, records: indexed(after.records, records, found) };
}

interface Moment {
  readonly before: Intent;
  readonly at: string;
  readonly generation: number;
}

/** @returns the places of what is new in the space. */
function settle(
  records: Map<string, ResourceRecord>,
  changed: readonly string[],
  was: Space,
  { kind, entries }: Space,
  moment: Moment,
): string[] {
  const { before, at, generation } = moment;
  const found: string[] = [];
  for (const key of changed) {
    const [old, value] = [was.entries.get(key), entries.get(key)];
    if (value === undefined) continue;
    const place = placeOf(kind, key);
    if (old === undefined) found.push(place);
    const record = records.get(place);
    if (record === undefined)
      records.set(place, { ...blank(kind, key, at), id: uuidOf(`${place} ${at} ${generation}`) });
    // Who set the record in the same command has counted already.
    else if (!isDeepStrictEqual(old, value) && record.revision === before.records.get(place)?.revision)
      records.set(place, { ...record, updatedAt: at, revision: record.revision + 1 });
  }
  return found;
}

/** Says of a resource what a client said of it; `made` where the resource is new: the id the client was told. */
export function withRecord(
  intent: Intent,
  { kind, key }: Place,
  wish: RecordWish,
  at: string,
  id?: string,
): Intent {
  const known = recordOf(intent, kind, key);
  if (known === undefined && id === undefined) throw new Error(`there is no record of ${kind} ${key}`);
  const record = known ?? { ...blank(kind, key, at), id: id ?? '', byClient: true };
  const next = { ...record, ...wish };
  if (known !== undefined && isDeepStrictEqual(known, next)) return intent;
  const counted = known === undefined ? next : { ...next, updatedAt: at, revision: known.revision + 1 };
  const place = placeOf(kind, key);
  const records = new Map(intent.records).set(place, counted);
  return { ...intent, records: indexed(intent.records, records, known === undefined ? [place] : []) };
}

/** The record with another place: what the resource is found by has changed, and its UUID has not. */
export function withRecordMoved(intent: Intent, from: Place, key: string, at: string): Intent {
  const record = recordOf(intent, from.kind, from.key);
  if (record === undefined) throw new Error(`there is no record of ${from.kind} ${from.key}`);
  if (from.key === key) return intent;
  const records = new Map(intent.records);
  records.delete(placeOf(from.kind, from.key));
  const place = placeOf(from.kind, key);
  records.set(place, { ...record, key, updatedAt: at, revision: record.revision + 1 });
  return { ...intent, records: indexed(intent.records, records, [place]) };
}

/** What a resource that nobody described is said to be: it is called as it is inside. */
const blank = (kind: Kind, key: string, at: string): Omit<ResourceRecord, 'id'> => ({
  kind,
  key,
  name: key.includes('/') ? '' : key,
  description: '',
  projectId: '',
  tags: [],
  createdAt: at,
  updatedAt: at,
  revision: 1,
  byClient: false,
  stored: {},
});

/**
 * The place of each UUID, and of some that have gone. A UUID stays where it is, so one index serves a map of records and
 * those made of it.
 */
const byIds = new WeakMap<Records, Map<string, string>>();
/** So many that have gone are looked past, for each that is there, before the index is made anew. */
const MAX_GONE_SHARE = 1;

/** `after`, which was made of `before` and has new records at `found`, with the index of that. */
function indexed(before: Records, after: Records, found: readonly string[]): Records {
  const index = byIds.get(before);
  if (index === undefined || index.size > (1 + MAX_GONE_SHARE) * after.size) return after;
  for (const place of found) {
    const record = after.get(place);
    if (record !== undefined) index.set(record.id, place);
  }
  byIds.set(after, index);
  return after;
}

/** The record with the UUID, among those of the kind. */
export function recordById({ records }: Intent, kind: Kind, id: string): ResourceRecord | undefined {
  const index = byIds.get(records) ?? new Map([...records].map(([place, record]) => [record.id, place]));
  byIds.set(records, index);
  const found = records.get(index.get(id) ?? '');
  return found?.id === id && found.kind === kind ? found : undefined;
}

/** A UUID made of a text (RFC 9562 section 5.8, version 8): the same text, the same UUID. */
export function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  const variant = ((parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}
