/**
 * Rows of the tables as typed values, and a batch of changes to them as the one binary buffer that
 * native/tables/batch.hpp describes. Agents' programs make rows; diffRows says what has to change;
 * encodeBatch writes it. Everything about a table comes from the generated pipeline.ts.
 *
 * Rows are compared by their bytes, so that two spellings of one address are one row.
 */
import { DvrError } from '../model/errors.js';
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

export type Operation =
  | { readonly operation: 'put'; readonly row: Row }
  | { readonly operation: 'delete'; readonly row: Row }
  | { readonly operation: 'clear'; readonly table: TableName };

/** A row that cannot be written, and why; the other rows of the node are not its hostages. */
export interface RowFault {
  readonly row: Row;
  readonly message: string;
}

export interface Admitted {
  readonly rows: readonly Row[];
  readonly faults: readonly RowFault[];
}

const kHeaderBytes = 16;
/** As in batch.hpp: a larger batch is refused whole. */
export const kMaxBatchBytes = 64 << 20;
const kLargestRowBytes = 64;
const kOperations = { put: 1, delete: 2, clear: 3 } as const;

interface Layout {
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
  const admitted = new Map<string, Row>();
  const counts = new Map<string, number>();
  const faults: RowFault[] = [];
  for (const row of rows) {
    const message = faultOf(row);
    const key = message === '' ? keyText(row) : '';
    if (message === '' && admitted.has(key)) continue;
    const count = (counts.get(row.table) ?? 0) + 1;
    const { limit } = layoutOf(row.table);
    if (message !== '') faults.push({ row, message });
    else if (count > limit) faults.push({ row, message: fullText(row.table, limit) });
    else { admitted.set(key, row); counts.set(row.table, count); }
  }
  return { rows: [...admitted.values()], faults };
}

const fullText = (table: string, limit: number): string => `table ${table} is full (${String(limit)} rows)`;

/**
 * What turns the rows `before` into the rows `after`: puts of what is new or other first, then deletes
 * of what is gone, so that no reader of a half-done sequence ever misses a row that both have.
 */
export function diffRows(before: Iterable<Row>, after: Iterable<Row>): Operation[] {
  const gone = new Map<string, { row: Row; value: string }>();
  for (const row of before) gone.set(keyText(row), { row, value: valueText(row) });
  const operations: Operation[] = [];
  for (const row of after) {
    const key = keyText(row);
    const old = gone.get(key);
    gone.delete(key);
    if (old?.value !== valueText(row)) operations.push({ operation: 'put', row });
  }
  for (const { row } of gone.values()) operations.push({ operation: 'delete', row });
  return operations;
}

/** Empties every table and puts all rows: one version, whatever was there before. */
export function replaceAll(rows: Iterable<Row>): Operation[] {
  const operations: Operation[] = tables.map((table) => ({ operation: 'clear', table: table.name }));
  for (const row of rows) operations.push({ operation: 'put', row });
  return operations;
}

/**
 * The operations as one batch of the view's generation.
 *
 * @example
 * await dataplane.apply(encodeBatch(view.generation, diffRows(before, after)));
 * @throws DVR_DATAPLANE_REFUSED naming table, field and value; or where the batch passes 64 MiB.
 */
export function encodeBatch(generation: number, operations: readonly Operation[]): Uint8Array {
  let bytes = Buffer.alloc(4096);
  let used = kHeaderBytes;
  bytes.write('DVRB', 'latin1');
  bytes.writeUInt16LE(1, 4);
  bytes.writeBigUInt64LE(BigInt(generation), 8);
  for (const change of operations) {
    if (used + kLargestRowBytes > bytes.length) bytes = Buffer.concat([bytes, Buffer.alloc(bytes.length)]);
    used = writeOperation(bytes, used, change);
  }
  if (used > kMaxBatchBytes) throw refused(`a batch of ${String(used)} bytes is too large`);
  return bytes.subarray(0, used);
}

/** The rows that a dump shows (Dataplane.tables()): what is there after this agent's restart. */
export function rowsFromDump(dumps: readonly TableDump[]): Row[] {
  return dumps.flatMap((dump) => {
    const { key, value } = layoutOf(dump.table);
    const pick = (fields: readonly FieldDescription[], from: Readonly<Record<string, FieldValue>>) =>
      Object.fromEntries(fields.map(({ name }) => [name, from[name]]));
    // The dump is checked field by field when a row is written or compared, not here.
    return dump.rows.map(
      (row) => ({ table: dump.table, key: pick(key, row), value: pick(value, row) }) as unknown as Row,
    );
  });
}

function writeOperation(into: Buffer, at: number, change: Operation): number {
  const layout = layoutOf(change.operation === 'clear' ? change.table : change.row.table);
  into[at] = kOperations[change.operation];
  into[at + 1] = layout.id;
  if (change.operation === 'clear') return at + 2;
  const { row } = change;
  const end = writeFields(into, at + 2, row.table, layout.key, row.key);
  return change.operation === 'put' ? writeFields(into, end, row.table, layout.value, row.value) : end;
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

const scratch = Buffer.alloc(kLargestRowBytes);

function keyText(row: Row): string {
  const layout = layoutOf(row.table);
  scratch[0] = layout.id;
  return scratch.toString('latin1', 0, writeFields(scratch, 1, row.table, layout.key, row.key));
}

function valueText(row: Row): string {
  return scratch.toString(
    'latin1', 0, writeFields(scratch, 0, row.table, layoutOf(row.table).value, row.value),
  );
}

function faultOf(row: Row): string {
  try {
    keyText(row);
    valueText(row);
    return '';
  } catch (error) {
    if (error instanceof DvrError) return error.message;
    throw error;
  }
}

function refused(message: string): DvrError {
  return new DvrError(
    'DVR_DATAPLANE_REFUSED', message, 'the rows do not fit the tables of src/dataplane/pipeline.ts',
  );
}
