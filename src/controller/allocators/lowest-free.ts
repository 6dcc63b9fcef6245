/**
 * Lowest free first: the rule of every allocator here. It makes allocation a function of what is taken,
 * so the same commands give the same numbers, in a test and after a restart.
 */
export function lowestFree<Value>(
  first: number,
  last: number,
  make: (n: number) => Value,
  taken: { has(value: Value): boolean },
): { readonly value: Value; readonly next: number } | undefined {
  for (let n = first; n <= last; n++) {
    const value = make(n);
    if (!taken.has(value)) return { value, next: n + 1 };
  }
  return undefined;
}
