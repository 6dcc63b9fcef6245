/** Work that need not be done twice on what never changes. It is forgotten with the thing it was done on. */

/** A function of one thing that never changes, worked out once. */
export function remembered<Key extends object, Value>(work: (key: Key) => Value): (key: Key) => Value {
  const known = new WeakMap<Key, { readonly value: Value }>();
  return (key) => {
    const found = known.get(key) ?? { value: work(key) };
    known.set(key, found);
    return found.value;
  };
}

/** The same of a thing and of what is nearly always the same beside it: of that the last is known. */
export function rememberedWith<Key extends object, Beside, Value>(
  work: (key: Key, beside: Beside) => Value,
): (key: Key, beside: Beside) => Value {
  const known = new WeakMap<Key, { readonly beside: Beside; readonly value: Value }>();
  return (key, beside) => {
    const found = known.get(key);
    if (found !== undefined && found.beside === beside) return found.value;
    const value = work(key, beside);
    known.set(key, { beside, value });
    return value;
  };
}
