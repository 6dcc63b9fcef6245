/** Rows as a test wants to read them: what admitRows keeps, still as objects. */
import { admitRows, type Row } from '../../../src/dataplane/rows.js';

/** The rows that win their keys, in order; a row that cannot be written is a mistake of the test. */
export function firstOfEachKey(rows: readonly Row[]): Row[] {
  const seen = new Set<string>();
  return rows.filter((row) => {
    const [key] = admitRows([row]).rows.keys();
    if (key === undefined) throw new Error(`not a row: ${JSON.stringify(row)}`);
    const isFirst = !seen.has(key);
    seen.add(key);
    return isFirst;
  });
}
