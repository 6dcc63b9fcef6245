/**
 * What is derived from an intent, derived again only where the intent has changed: a part that comes out as it was is
 * the same object as before. So "has it changed" is a comparison of two references, and a change costs as much as what
 * it touches. All of it stays pure: what is remembered hangs on values that never change, and goes with them.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Intent } from './intent.js';

/** Whether both have the very same things in the same places. */
export const isSameList = (left: readonly unknown[], right: readonly unknown[]): boolean =>
  left === right || (left.length === right.length && left.every((one, at) => one === right[at]));

/** The list of before where the new one has the same things. */
export function keptList<One>(before: readonly One[] | undefined, after: readonly One[]): readonly One[] {
  return before !== undefined && isSameList(before, after) ? before : after;
}

/** The object of before where all fields of the new one are the same things. */
export function keptObject<Value extends object>(before: Value | undefined, after: Value): Value {
  if (before === undefined) return after;
  const [keys, old] = [Object.keys(after), before as Readonly<Record<string, unknown>>];
  const isSame = keys.length === Object.keys(before).length
    && keys.every((key) => Object.hasOwn(before, key) && old[key] === (after as typeof old)[key]);
  return isSame ? before : after;
}

/** The value of before where the new one says the same. */
export function keptEqual<Value>(before: Value | undefined, after: Value): Value {
  return before !== undefined && isDeepStrictEqual(before, after) ? before : after;
}

/** The map of before where the new one says the same; else the new one, with those entries of before that do. */
export function keptMap<Value>(
  before: ReadonlyMap<string, Value> | undefined,
  after: ReadonlyMap<string, Value>,
): ReadonlyMap<string, Value> {
  if (before === undefined || before === after) return after;
  const kept = new Map([...after].map(([key, value]) => [key, keptEqual(before.get(key), value)]));
  return keysChanged(before, kept).length === 0 ? before : kept;
}

/** The entries that are wanted; the map itself where all are. */
export function keptMapOf<Value>(
  map: ReadonlyMap<string, Value>,
  isWanted: (value: Value) => boolean,
): ReadonlyMap<string, Value> {
  const wanted = new Map([...map].filter(([, value]) => isWanted(value)));
  return wanted.size === map.size ? map : wanted;
}

/** The keys whose values are other things than before, or gone, or new. */
export function keysChanged<Value>(
  before: ReadonlyMap<string, Value>,
  after: ReadonlyMap<string, Value>,
): readonly string[] {
  if (before === after) return [];
  const known = differences.get(after);
  if (known?.from.deref() === before) return known.changed;
  const changed = difference(before, after);
  differences.set(after, { from: new WeakRef(before), changed });
  return changed;
}

/** Several ask for the same: of the ports, say. Whoever holds a map must not hold all that there were before it. */
const differences = new WeakMap<
  ReadonlyMap<string, unknown>,
  { readonly from: WeakRef<ReadonlyMap<string, unknown>>; readonly changed: readonly string[] }
>();

function difference(
  before: ReadonlyMap<string, unknown>,
  after: ReadonlyMap<string, unknown>,
): readonly string[] {
  const changed: string[] = [];
  let stayed = 0;
  for (const [key, value] of after) {
    const old = before.get(key);
    if (old !== undefined) ++stayed;
    if (old !== value) changed.push(key);
  }
  if (stayed < before.size) for (const key of before.keys()) if (!after.has(key)) changed.push(key);
  return changed;
}

/** A value, and the things that it was made of. */
export interface Made<Value> {
  readonly of: readonly unknown[];
  readonly value: Value;
}

/** The value of before where it was made of the very same things; `make` may keep parts of it. */
export function made<Value>(
  last: Made<Value> | undefined,
  of: readonly unknown[],
  make: (last: Value | undefined) => Value,
): Made<Value> {
  return last !== undefined && isSameList(last.of, of) ? last : { of, value: make(last?.value) };
}

/** Something derived from an intent; asked for with the intent before, it takes over what is as it was. */
export type Derivation<Value> = (intent: Intent, before?: Intent) => Value;

/** Derives a value once for an intent, and not again where all of `inputsOf` are the things of before. */
export function derivation<Value>(
  inputsOf: (intent: Intent, before: Intent | undefined) => readonly unknown[],
  derive: (intent: Intent, last: Value | undefined, before: Intent | undefined) => Value,
): Derivation<Value> {
  const known = new WeakMap<Intent, Made<Value>>();
  const madeOf = (intent: Intent, before?: Intent): Made<Value> => {
    const found = known.get(intent);
    if (found !== undefined) return found;
    const last = before === undefined ? undefined : madeOf(before);
    const next = made(last, inputsOf(intent, before), (value) => derive(intent, value, before));
    known.set(intent, next);
    return next;
  };
  return (intent, before) => madeOf(intent, before).value;
}
