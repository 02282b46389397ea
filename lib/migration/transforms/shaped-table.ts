import { canonicalJson } from '../../kernel/canonical-json.ts';
import type { ColumnDefinition, Conversion, Transform } from '../definition.ts';
import type { TableInFile } from '../migration-file.ts';
import { decodedRow, encodedRow } from '../row-encoding.ts';
import type { FlatRow, FlatValue } from '../row.ts';
import { readPath, writePath, type BodyPath, type MutableBody } from './body-path.ts';
import { damagedText, isCleanText } from './json-codecs.ts';
import { rejected, sameValue, type ColumnCodec, type Rejection } from './shape.ts';

/** A column of the flat table and its place in the hierarchical record. */
export interface ShapedColumn extends ColumnDefinition {
  readonly path: BodyPath;
  readonly codec: ColumnCodec;
}

export interface ShapedTable extends Omit<TableInFile, 'columns' | 'transform'> {
  readonly columns: readonly ShapedColumn[];
  /** Members that follow from the row and are not restored, for example the assigned layer. */
  readonly computed?: (row: FlatRow, body: MutableBody) => readonly (readonly [BodyPath, unknown])[];
  /** Carries edits of computed members over to the members that are restored. Gets a body of its own. */
  readonly beforeRestore?: (body: MutableBody) => void;
  /** Epoch seconds at which the record may disappear; undefined for never. */
  readonly expiresAtS?: (row: FlatRow, nowMs: number) => number | undefined;
}

/** Member of a body that keeps whatever its shape cannot say about the flat row. */
const residualName = 'flat';

/** Prefix of values that the source computes; they are inputs of a conversion, not part of the row. */
const derivedPrefix = 'derived.';

/**
 * A table with its transform, invertible by construction: the shape is restored while converting, and every value
 * that does not come back exactly is kept in the residual. A column that is absent counts as null.
 */
export function shapedTable(spec: ShapedTable): TableInFile {
  const { columns, computed: _computed, beforeRestore: _before, expiresAtS: _expires, ...table } = spec;
  return {
    ...table,
    columns: columns.map(({ path: _path, codec: _codec, ...column }) => column),
    transform: makeTransform(spec),
  };
}

function makeTransform(spec: ShapedTable): Transform {
  const known = new Set(spec.columns.map(({ name }) => name));
  return {
    convert(row, { nowMs }): Conversion {
      const fault = checkRow(spec, row);
      if (fault !== null) return fault;
      const body: MutableBody = {};
      const residual: Record<string, FlatValue> = extraColumns(row, known);
      for (const column of spec.columns) {
        const value = row[column.name] ?? null;
        const shape = column.codec.toShape(value);
        if (shape.kind === 'rejected') return inColumn(column, shape);
        writePath(body, column.path, shape.value);
        if (!sameValue(column.codec.fromShape(shape.value), value)) residual[column.name] = value;
      }
      for (const [path, value] of spec.computed?.(row, body) ?? []) writePath(body, path, value);
      if (Object.keys(residual).length > 0) body[residualName] = encodedRow(residual);
      const expiresAtS = spec.expiresAtS?.(row, nowMs);
      return { kind: 'converted', record: { body, ...(expiresAtS === undefined ? {} : { expiresAtS }) } };
    },
    restore(body): FlatRow {
      if (typeof body !== 'object' || body === null || Array.isArray(body)) {
        throw new TypeError(`the record of a ${spec.recordType} is no object`);
      }
      const edited = spec.beforeRestore === undefined ? body : withEdits(spec.beforeRestore, body);
      const residual = decodedRow((edited as MutableBody)[residualName] ?? {});
      const row: Record<string, FlatValue> = {};
      for (const column of spec.columns) {
        const value = restoreColumn(column, readPath(edited, column.path) ?? null, residual);
        // A store without the column could not take the row.
        if (value !== null || column.mayBeAbsent !== true) row[column.name] = value;
      }
      for (const [name, value] of Object.entries(residual)) if (!known.has(name)) row[name] = value;
      return row;
    },
  };
}

/** The residual speaks for a column only while the shape that it was kept beside is still there. */
function restoreColumn(column: ShapedColumn, shape: unknown, residual: FlatRow): FlatValue {
  if (!Object.hasOwn(residual, column.name)) return column.codec.fromShape(shape);
  const original = residual[column.name] ?? null;
  const before = column.codec.toShape(original);
  if (before.kind === 'shaped' && canonicalJson(before.value) === canonicalJson(shape)) return original;
  return column.codec.fromShape(shape, original);
}

function withEdits(edit: (body: MutableBody) => void, body: object): MutableBody {
  const copy = structuredClone(body) as MutableBody;
  edit(copy);
  return copy;
}

function extraColumns(row: FlatRow, known: ReadonlySet<string>): Record<string, FlatValue> {
  const extra: Record<string, FlatValue> = {};
  for (const [name, value] of Object.entries(row)) {
    // A column without value is a column that is not there, so that adding one changes no record.
    if (value !== null && !known.has(name) && !name.startsWith(derivedPrefix)) extra[name] = value;
  }
  return extra;
}

function checkRow(spec: ShapedTable, row: FlatRow): Rejection | null {
  for (const name of spec.key) {
    const part = row[name] ?? null;
    if (part === null) return rejected('MissingKey', `key column ${name} has no value`);
  }
  for (const column of spec.columns) {
    const fault = checkValue(column, row[column.name] ?? null);
    if (fault !== null) return fault;
  }
  for (const [name, value] of Object.entries(row)) {
    if (typeof value === 'string' && !isCleanText(value)) return inColumn({ name }, damagedText());
  }
  return null;
}

function checkValue(column: ShapedColumn, value: FlatValue): Rejection | null {
  if (value === null) {
    return column.nullable ? null : rejected('MissingValue', `column ${column.name} has no value`);
  }
  const found = storageOf(value);
  if (column.storage === 'any' || column.storage === found) return null;
  return rejected(
    'WrongStorageClass',
    `column ${column.name} holds ${found} where ${column.storage} belongs`,
  );
}

function storageOf(value: NonNullable<FlatValue>): 'text' | 'integer' | 'real' | 'blob' {
  if (typeof value === 'string') return 'text';
  if (typeof value === 'bigint') return 'integer';
  return typeof value === 'number' ? 'real' : 'blob';
}

function inColumn(column: { readonly name: string }, fault: Rejection): Rejection {
  return rejected(fault.errorName, `column ${column.name}: ${fault.message}`);
}
