/**
 * Batches that are too large for one transaction of etcd (128 operations, 1.5 MiB, unless it is told
 * otherwise) are made in parts, and are all or nothing all the same:
 *
 *     1. its parts are laid down beside the state: nobody looks at them
 *     2. one transaction compares, and puts `under-way`: from now on the batch counts, and no other is taken
 *     3. the parts are carried into the state, and `under-way` and they are taken away
 *
 * Whoever comes upon `under-way`, reader or writer, does step 3 first, as often as it likes and beside others
 * who do so: each transaction of it asks that `under-way` is still there. So it does not matter who dies where.
 */
import { randomUUID } from 'node:crypto';
import type { ITxnRequest } from 'etcd3';
import { DvrError } from '../../model/errors.js';
import { exists, has, read, removeAll, set, valueAt, type EtcdClient } from './etcd-client.js';
import { partKey, PARTS, stateKey, UNDER_WAY } from './etcd-keys.js';
import type { Batch, Change } from './store.js';

/** With the comparisons below the limit of 128. */
export const MAX_OPERATIONS = 120;
/** JSON within JSON may take twice the room. */
export const MAX_PART_BYTES = 600_000;
/** As many as one transaction may compare: some 60 MB, far more than all the state there can be. */
const MAX_PARTS = 100;

/** Whether it can be made in one transaction. */
export const isSmall = ({ changes }: Batch): boolean =>
  changes.length <= MAX_OPERATIONS && changes.reduce((sum, one) => sum + bytesOf(one), 0) <= MAX_PART_BYTES;

/**
 * Steps 1 to 3. False where the comparison does not hold.
 * @throws DvrError DVR_STORE_UNREACHABLE: it may have been done, or still be.
 */
export async function writeInParts(client: EtcdClient, { compare, changes }: Batch): Promise<boolean> {
  const id = randomUUID();
  const parts = partsOf(changes);
  for (const [n, part] of parts.entries()) {
    const value = JSON.stringify(part);
    await client.untilDone({ success: [set({ key: partKey(id, n), value })] });
  }
  const marker = JSON.stringify({ id, parts: parts.length });
  const { succeeded } = await client.once({
    compare: [
      has({ key: stateKey(compare.key), ...(compare.value === undefined ? {} : { value: compare.value }) }),
      has({ key: UNDER_WAY }),
      // Another controller that has just started may have swept them away.
      ...parts.map((_part, n) => exists(partKey(id, n))),
    ],
    success: [set({ key: UNDER_WAY, value: marker })],
  });
  if (succeeded) await finish(client, marker);
  else await client.untilDone({ success: [removeAll(`${PARTS}${id}/`)] });
  return succeeded;
}

/** Step 3, of the batch that this marker stands for. */
export async function finish(client: EtcdClient, marker: string): Promise<void> {
  const { id, parts } = JSON.parse(marker) as { readonly id: string; readonly parts: number };
  const step = async (success: NonNullable<ITxnRequest['success']>): Promise<boolean> =>
    (await client.untilDone({ compare: [has({ key: UNDER_WAY, value: marker })], success })).succeeded;
  for (let n = 0; n < parts; n++) {
    const text = valueAt(await client.untilDone({ success: [read(partKey(id, n))] }), 0);
    if (text === undefined) return; // Another has done it all meanwhile.
    const changes = JSON.parse(text) as readonly Change[];
    for (let from = 0; from < changes.length; from += MAX_OPERATIONS) {
      const some = changes.slice(from, from + MAX_OPERATIONS);
      if (!(await step(some.map((one) => set({ ...one, key: stateKey(one.key) }))))) return;
    }
  }
  await step([set({ key: UNDER_WAY }), removeAll(`${PARTS}${id}/`)]);
}

/** Takes away the parts of those who died in step 1. Who is in it now is not hurt: see step 2. */
export async function sweepParts(client: EtcdClient): Promise<void> {
  await client.untilDone({ compare: [has({ key: UNDER_WAY })], success: [removeAll(PARTS)] });
}

function partsOf(changes: readonly Change[]): Change[][] {
  const parts: Change[][] = [];
  let room = 0;
  for (const change of changes) {
    const bytes = bytesOf(change);
    if (bytes > MAX_PART_BYTES) throw tooLarge(`entry ${change.key}`, bytes, MAX_PART_BYTES);
    if (bytes > room) {
      parts.push([]);
      room = MAX_PART_BYTES;
    }
    parts.at(-1)?.push(change);
    room -= bytes;
  }
  if (parts.length <= MAX_PARTS) return parts;
  throw tooLarge('the change', parts.length * MAX_PART_BYTES, MAX_PARTS * MAX_PART_BYTES);
}

const bytesOf = ({ key, value = '' }: Change): number => Buffer.byteLength(key) + Buffer.byteLength(value);

const tooLarge = (what: string, bytes: number, most: number): DvrError =>
  new DvrError(
    'DVR_CONFLICT',
    `${what} would take ${bytes} bytes in etcd, more than ${most}`,
    'do it in smaller steps',
  );
