/**
 * The one table that says how the intent lies in a store: an entry for each value of each map, with the
 * value as JSON.
 *
 *     head                    what belongs to the whole: see head.ts
 *     port/vm1                intent.ports.get('vm1')
 *     floating-ip/ext/IP      intent.floatingIps.get('ext/IP')
 *     record/port vm1         intent.records.get('port vm1')
 */
import { holderKey } from '../address-holders.js';
import { fgPortKey, floatingIpKey } from '../gateway-names.js';
import type { Intent } from '../intent.js';
import { placeOf as placeOfRecord } from '../records.js';
import { keysChanged } from '../sharing.js';
import {
  decodeHolder,
  decodeInteropVtep,
  decodeNetwork,
  decodeNode,
  decodePort,
  decodeRouter,
} from './entries.js';
import {
  decodeExternalNetwork,
  decodeFgPort,
  decodeFloatingIp,
  decodeGateway,
} from './external-entries.js';
import { Item } from './item.js';
import { decodeQuotas, decodeRecord } from './record-entries.js';
import type { Change, Entry } from './store.js';

/** The maps of an intent, each with what is in it. */
type Maps = {
  [Map in keyof Intent as Intent[Map] extends ReadonlyMap<string, unknown>
    ? Map
    : never]: Intent[Map] extends ReadonlyMap<string, infer Value> ? Value : never;
};
type MapName = keyof Maps;

interface Codec<Value> {
  /** Of its keys; no other map has it. */
  readonly prefix: string;
  decode(item: Item): Value;
  /** The key that the map has for the value; absent: the value does not say it, and it is a name. */
  keyOf?(value: Value): string;
  /** Those that the value does not say, and that people choose freely. */
  readonly keys?: 'any text';
}

const nameOf = ({ name }: { readonly name: string }): string => name;

const codecs: { readonly [Map in MapName]: Codec<Maps[Map]> } = {
  nodes: { prefix: 'node', decode: decodeNode, keyOf: nameOf },
  dvrMacs: { prefix: 'dvr-mac', decode: (item) => item.mac() },
  interopVteps: { prefix: 'interop-vtep', decode: decodeInteropVtep, keyOf: nameOf },
  networks: { prefix: 'network', decode: decodeNetwork, keyOf: nameOf },
  externalNetworks: { prefix: 'external-network', decode: decodeExternalNetwork, keyOf: nameOf },
  routers: { prefix: 'router', decode: decodeRouter, keyOf: ({ id }) => id },
  ports: { prefix: 'port', decode: decodePort, keyOf: nameOf },
  floatingIps: { prefix: 'floating-ip', decode: decodeFloatingIp, keyOf: floatingIpKey },
  gateways: { prefix: 'gateway', decode: decodeGateway, keyOf: ({ router }) => router },
  fgPorts: { prefix: 'fg-port', decode: decodeFgPort, keyOf: ({ network, node }) => fgPortKey(network, node) },
  records: { prefix: 'record', decode: decodeRecord, keyOf: ({ kind, key }) => placeOfRecord(kind, key) },
  addressHolders: { prefix: 'address-holder', decode: decodeHolder, keyOf: ({ network, ip }) => holderKey(network, ip) },
  quotas: { prefix: 'quota', decode: decodeQuotas, keys: 'any text' },
};

const mapNames = Object.keys(codecs) as readonly MapName[];
const mapByPrefix = new Map(mapNames.map((map) => [codecs[map].prefix, map]));

/** What must be written so that a store that holds the one intent holds the other; the head is not in it. */
export function changesBetween(before: Intent, after: Intent): Change[] {
  return mapNames.flatMap((map) =>
    before[map] === after[map] ? [] : entryChanges(codecs[map].prefix, before[map], after[map]),
  );
}

/** What must change in the intent so that it is what the entries say: what is as it was is left out. */
export function changesTo(intent: Intent, entries: readonly Entry[]): Change[] {
  const held = new Map(entriesOf(intent).map(({ key, value }) => [key, value]));
  const changed = entries.filter(({ key, value }) => held.get(key) !== value);
  for (const { key } of entries) held.delete(key);
  return [...changed, ...[...held.keys()].map((key) => ({ key }))];
}

/**
 * The intent with these entries changed; all else in it are the same objects as before.
 * @throws Error that names the entry that is not what it must be.
 */
export function withChanges(intent: Intent, changes: readonly Change[]): Intent {
  const changed = new Map<MapName, Map<string, unknown>>();
  for (const { key, value } of changes) {
    const { map, id } = placeOf(key);
    const entries = changed.get(map) ?? new Map<string, unknown>(intent[map]);
    if (value === undefined) entries.delete(id);
    else entries.set(id, decode(map, id, { key, value }));
    changed.set(map, entries);
  }
  return { ...intent, ...Object.fromEntries(changed) };
}

/** Everything but the head. */
export function entriesOf(intent: Intent): Entry[] {
  return mapNames.flatMap((map) =>
    [...intent[map]].map(([id, value]) => ({
      key: `${codecs[map].prefix}/${id}`,
      value: textOf(value),
    })),
  );
}

function entryChanges(
  prefix: string,
  before: ReadonlyMap<string, unknown>,
  after: ReadonlyMap<string, unknown>,
): Change[] {
  return keysChanged(before, after).flatMap((id): Change[] => {
    const key = `${prefix}/${id}`;
    if (!after.has(id)) return [{ key }];
    // What was made anew need not be another: then it is not written.
    const value = textOf(after.get(id));
    return before.has(id) && textOf(before.get(id)) === value ? [] : [{ key, value }];
  });
}

/** The value as JSON, with its fields in the order of their names: what is equal has equal texts. */
function textOf(value: unknown): string {
  return JSON.stringify(value, (_key, one: unknown) =>
    typeof one === 'object' && one !== null && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([left], [right]) => (left < right ? -1 : 1)))
      : one,
  );
}

function placeOf(key: string): { readonly map: MapName; readonly id: string } {
  const end = key.indexOf('/');
  const map = mapByPrefix.get(key.slice(0, Math.max(end, 0)));
  if (map === undefined) throw new Error(`${key} is nothing that this version writes`);
  return { map, id: key.slice(end + 1) };
}

function decode(map: MapName, id: string, { key, value }: Entry): unknown {
  const codec: Codec<unknown> = codecs[map];
  const decoded = codec.decode(new Item(parseJson({ key, value }), key));
  if (codec.keys === 'any text') return decoded;
  if (codec.keyOf === undefined) new Item(id, `the key ${key}`).name();
  else if (codec.keyOf(decoded) !== id) throw new Error(`${key} holds ${codec.keyOf(decoded)}`);
  return decoded;
}

export function parseJson({ key, value }: Entry): unknown {
  try {
    return JSON.parse(value);
  } catch (cause) {
    throw new Error(`${key} is no JSON: ${(cause as Error).message}`, { cause });
  }
}
