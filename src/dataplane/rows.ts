/**
 * Rows of the tables as typed values, and a batch of changes to them as the one binary buffer that
 * native/tables/batch.hpp describes. Agents' programs make rows; admitRows packs them into bytes, once;
 * diffRows says what has to change; encodeBatch puts the bytes together. Everything about a table comes from
 * the generated pipeline.ts.
 *
 * Rows are compared by their bytes, so that two spellings of one address are one row. The bytes are kept as
 * text of one character a byte (latin1), because a Map can be keyed by text.
 */
import { DvrError } from '../model/errors.js';
import { remembered } from '../model/remembered.js';
import { fieldBytes, writeField, type FieldType, type FieldValue, type PortKind } from './fields.js';
import type { TableDump } from './interface.js';
import type { FieldDescription } from './native.js';
import { tables } from './pipeline.js';

type Description = (typeof tables)[number];
type ValueOf<Type extends FieldType> = Type extends 'mac' | 'ip' ? string
  : Type extends 'bool' ? boolean
  : Type extends 'port_kind' ? PortKind
  : number;
type Fields<List extends readonly FieldDescription[]> = {
  readonly [Field in List[number] as Field['name']]: ValueOf<Field['type']>;
};
type RowOf<Table> = Table extends Description
  ? {
    readonly table: Table['name'];
    readonly key: Fields<Table['key']>;
    readonly value: Fields<Table['value']>;
  }
  : never;

export type TableName = Description['name'];
/** One row of one table, e.g. `{table: 'switch', key: {local_vlan: 1, mac: '…'}, value: {port: 16}}`. */
export type Row = RowOf<Description>;
/** A row of one named table. */
export type RowIn<Name extends TableName> = Extract<Row, { readonly table: Name }>;

/** Rows as they stand in a batch: by the bytes of the table's number and the key, the bytes of the value. */
export type PackedRows = ReadonlyMap<string, string>;

/** One operation of a batch; `bytes` is all that follows its number. */
export interface Operation {
  readonly operation: 'put' | 'delete' | 'clear';
  readonly bytes: string;
}

/** A row that cannot be written, and why; the other rows of the node are not its hostages. */
export interface RowFault {
  readonly row: Row;
  readonly message: string;
}

export interface Admitted {
  readonly rows: PackedRows;
  readonly faults: readonly RowFault[];
}

const kHeaderBytes = 16;
/** As in batch.hpp: a larger batch is refused whole. */
export const kMaxBatchBytes = 64 << 20;
const kLargestRowBytes = 64;
const kOperations = { put: 1, delete: 2, clear: 3 } as const;

interface Layout {
  readonly name: string;
  readonly id: number;
  readonly limit: number;
  readonly key: readonly FieldDescription[];
  readonly value: readonly FieldDescription[];
}
const layouts: ReadonlyMap<string, Layout> = new Map(tables.map((table) => [table.name, table]));

function layoutOf(table: string): Layout {
  const layout = layouts.get(table);
  if (layout === undefined) throw refused(`there is no table "${table}"`);
  return layout;
}

/**
 * The rows in their first-come order, without those that repeat a key, cannot be written, or no longer
 * fit their table. What is left out is reported, except repeats: programs put the row that wins first.
 */
export function admitRows(rows: Iterable<Row>): Admitted {
  const admitted = new Map<string, string>();
  const counts = tables.map(() => 0);
  const faults: RowFault[] = [];
  for (const row of rows) {
    const layout = layoutOf(row.table);
    const packed = packedRow(row);
    if ('message' in packed) { faults.push(packed); continue; }
    if (admitted.has(packed.key)) continue;
    const count = (counts[layout.id] ?? 0) + 1;
    if (count > layout.limit) { faults.push({ row, message: fullText(layout) }); continue; }
    admitted.set(packed.key, packed.value);
    counts[layout.id] = count;
  }
  return { rows: admitted, faults };
}

const fullText = ({ name, limit }: Layout): string => `table ${name} is full (${String(limit)} rows)`;

/**
 * What turns the rows `before` into the rows `after`: puts of what is new or other first, then deletes
 * of what is gone, so that no reader of a half-done sequence ever misses a row that both have.
 */
export function diffRows(before: PackedRows, after: PackedRows): Operation[] {
  const operations: Operation[] = [];
  for (const [key, value] of after) {
    if (before.get(key) !== value) operations.push({ operation: 'put', bytes: key + value });
  }
  for (const key of before.keys()) if (!after.has(key)) operations.push({ operation: 'delete', bytes: key });
  return operations;
}

/** Empties every table and puts all rows: one version, whatever was there before. */
export function replaceAll(rows: PackedRows): Operation[] {
  const clears = tables.map(
    ({ id }): Operation => ({ operation: 'clear', bytes: String.fromCharCode(id) }),
  );
  return [...clears, ...diffRows(new Map(), rows)];
}

/**
 * The operations as one batch of the view's generation.
 *
 * @example
 * await dataplane.apply(encodeBatch(view.generation, diffRows(before, after)));
 * @throws DVR_DATAPLANE_REFUSED naming table, field and value; or where the batch passes 64 MiB.
 */
export function encodeBatch(generation: number, operations: readonly Operation[]): Uint8Array {
  const size = operations.reduce((bytes, operation) => bytes + 1 + operation.bytes.length, kHeaderBytes);
  if (size > kMaxBatchBytes) throw refused(`a batch of ${String(size)} bytes is too large`);
  const batch = Buffer.alloc(size);
  batch.write('DVRB', 'latin1');
  batch.writeUInt16LE(1, 4);
  batch.writeBigUInt64LE(BigInt(generation), 8);
  let used = kHeaderBytes;
  for (const { operation, bytes } of operations) {
    batch[used] = kOperations[operation];
    used += 1 + batch.write(bytes, used + 1, 'latin1');
  }
  return batch;
}

/** The rows that a dump shows (Dataplane.tables()): what is there after this agent's restart. */
export function rowsFromDump(dumps: readonly TableDump[]): PackedRows {
  const rows = new Map<string, string>();
  for (const dump of dumps) {
    const layout = layoutOf(dump.table);
    const { key, value } = layout;
    for (const fields of dump.rows) {
      // The dump is checked field by field when the row is packed, not here.
      const row = { table: dump.table, key: pick(key, fields), value: pick(value, fields) } as unknown as Row;
      const packed = packRow(layout, row);
      if ('message' in packed) throw refused(packed.message);
      rows.set(packed.key, packed.value);
    }
  }
  return rows;
}

function pick(
  fields: readonly FieldDescription[], from: Readonly<Record<string, FieldValue>>,
): Readonly<Record<string, FieldValue | undefined>> {
  return Object.fromEntries(fields.map(({ name }) => [name, from[name]]));
}

const scratch = Buffer.alloc(kLargestRowBytes);

interface Packed { readonly key: string; readonly value: string }

/** Rows never change, and programs give the same again where nothing has changed. */
const packedRow = remembered((row: Row) => packRow(layoutOf(row.table), row));

function packRow(layout: Layout, row: Row): Packed | RowFault {
  try {
    scratch[0] = layout.id;
    const keyEnd = writeFields(scratch, 1, row.table, layout.key, row.key);
    const end = writeFields(scratch, keyEnd, row.table, layout.value, row.value);
    return { key: scratch.toString('latin1', 0, keyEnd), value: scratch.toString('latin1', keyEnd, end) };
  } catch (error) {
    if (error instanceof DvrError) return { row, message: error.message };
    throw error;
  }
}

function writeFields(
  into: Buffer, at: number, table: string, fields: readonly FieldDescription[], from: object,
): number {
  for (const { name, type } of fields) {
    const value: unknown = (from as Readonly<Record<string, unknown>>)[name];
    const wrong = writeField(into, at, type, value);
    if (wrong !== '') throw refused(`table ${table}, field ${name}: ${JSON.stringify(value)} ${wrong}`);
    at += fieldBytes[type];
  }
  return at;
}

function refused(message: string): DvrError {
  return new DvrError(
    'DVR_DATAPLANE_REFUSED', message, 'the rows do not fit the tables of src/dataplane/pipeline.ts',
  );
}
