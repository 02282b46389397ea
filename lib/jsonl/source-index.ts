import { DatabaseSync, type SQLInputValue } from 'node:sqlite';

import type { MigrationDefinition } from '../migration/definition.ts';
import type { KeyRange, TableReport } from '../migration/ports.ts';
import type { FlatRow, KeyPart } from '../migration/row.ts';
import { tableOf } from '../migration/table-lookup.ts';
import { derivedCounts, keyNames, rowsTable } from './index-schema.ts';
import type { SourceFile } from './ports.ts';

/** A file as it was read for the index. */
interface IndexedFile extends SourceFile {
  readonly sha256: string;
}

/** Where one row is. */
export interface RowPlace {
  readonly keyParts: readonly KeyPart[];
  readonly file: number;
  readonly line: number;
  readonly start: number;
  readonly length: number;
  readonly crc: number;
}

/** What was found in the files, in key order. */
export interface SourceIndex {
  readonly files: readonly IndexedFile[];
  tables(): readonly TableReport[];
  range(recordType: string, range: KeyRange, limit: number): readonly RowPlace[];
  find(recordType: string, keyParts: readonly KeyPart[]): RowPlace | null;
  /** Key of the last row of the next `rowCount`; null when no more than these are left. */
  boundary(recordType: string, after: KeyRange['after'], rowCount: number): readonly KeyPart[] | null;
  derived(recordType: string, row: FlatRow): FlatRow;
  close(): void;
}

export function openIndex(path: string, definition: MigrationDefinition): SourceIndex {
  const database = new DatabaseSync(path, { readOnly: true, readBigInts: true, returnArrays: true });
  const all = (sql: string, parameters: readonly KeyPart[] = []): readonly Cells[] =>
    database.prepare(sql).all(...parameters) as unknown as readonly Cells[];
  const keysOf = (recordType: string): readonly string[] =>
    keyNames(tableOf(definition, recordType).keyColumns.length);
  const places = (recordType: string, rest: string, parameters: readonly KeyPart[]): readonly RowPlace[] => {
    const keys = keysOf(recordType);
    const rows = rowsTable(definition, tableOf(definition, recordType));
    const sql = `SELECT ${keys.join(', ')}, file, line, start, length, crc FROM ${rows} ${rest}`;
    return all(sql, parameters).map((cells) => placeOf(cells, keys.length));
  };
  const within = (recordType: string, { after, upTo }: KeyRange) => {
    const keys = keysOf(recordType).join(', ');
    const values = keysOf(recordType)
      .map(() => '?')
      .join(', ');
    const conditions = [
      ...(after === null ? [] : [`(${keys}) > (${values})`]),
      ...(upTo === null ? [] : [`(${keys}) <= (${values})`]),
    ];
    const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
    return { sql: `${where} ORDER BY ${keys}`, parameters: [...(after ?? []), ...(upTo ?? [])] };
  };
  return {
    files: all('SELECT name, size, tag, sha256 FROM files ORDER BY id').map(([name, size, tag, sha256]) => ({
      name: String(name),
      sizeBytes: Number(size),
      tag: String(tag),
      sha256: String(sha256),
    })),
    tables: () =>
      all('SELECT record_type, mapping, is_absent, row_count FROM tables').map(
        ([recordType, mapping, isAbsent, rowCount]) => {
          const { table, category } = tableOf(definition, String(recordType));
          return {
            recordType: String(recordType),
            table,
            category,
            rowCount: Number(rowCount),
            ...(mapping === null ? {} : { mapping: String(mapping) }),
            ...(isAbsent === 1n ? { absent: true } : {}),
          };
        },
      ),
    range(recordType, range, limit) {
      const { sql, parameters } = within(recordType, range);
      return places(recordType, `${sql} LIMIT ${limit}`, parameters);
    },
    find(recordType, keyParts) {
      const where = keysOf(recordType)
        .map((name) => `${name} = ?`)
        .join(' AND ');
      return places(recordType, `WHERE ${where}`, keyParts)[0] ?? null;
    },
    boundary(recordType, after, rowCount) {
      const { sql, parameters } = within(recordType, { after, upTo: null });
      const [last, next] = places(recordType, `${sql} LIMIT 2 OFFSET ${rowCount - 1}`, parameters);
      return next === undefined ? null : (last?.keyParts ?? null);
    },
    derived(recordType, row) {
      const counts = derivedCounts(definition, tableOf(definition, recordType)).map((count) => {
        const values = count.ours.map((column) => row[column] ?? null);
        const where = keyNames(values.length)
          .map((name) => `${name} = ?`)
          .join(' AND ');
        const found = database
          .prepare(`SELECT n FROM ${count.sqlTable} WHERE ${where}`)
          .get(...(values as SQLInputValue[])) as unknown as Cells | undefined;
        return [count.name, BigInt(found?.[0] ?? 0n)] as const;
      });
      return Object.fromEntries(counts);
    },
    close: () => {
      if (database.isOpen) database.close();
    },
  };
}

type Cells = readonly (null | string | bigint)[];

function placeOf(cells: Cells, keyCount: number): RowPlace {
  const [file, line, start, length, crc] = cells.slice(keyCount).map(Number);
  return {
    keyParts: cells.slice(0, keyCount) as KeyPart[],
    file: file ?? 0,
    line: line ?? 0,
    start: start ?? 0,
    length: length ?? 0,
    crc: crc ?? 0,
  };
}
