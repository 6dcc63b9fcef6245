/** JSON from another process: no more than text until it has been looked at. */

export type UntrustedRecord = Readonly<Record<string, unknown>>;

export function isRecord(value: unknown): value is UntrustedRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object that the bytes say in JSON; undefined where they say none. */
export function recordOf(data: Buffer): UntrustedRecord | undefined {
  try {
    const value: unknown = JSON.parse(data.toString('utf8'));
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
