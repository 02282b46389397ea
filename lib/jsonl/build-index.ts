import { createHash } from 'node:crypto';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { crc32 } from 'node:zlib';

import type { MigrationDefinition } from '../migration/definition.ts';
import { encodeKey, maxRowKeyBytes } from '../migration/key.ts';
import type { FlatRow, FlatValue, KeyPart } from '../migration/row.ts';
import { recogniseMapping } from '../migration/source-mapping.ts';
import { sourceRejected } from '../migration/source-rejected.ts';
import type { MigratedTable } from '../migration/table-lookup.ts';
import { tableOfFile } from './file-names.ts';
import { derivedCounts, indexSchema, keyNames, rowsTable } from './index-schema.ts';
import type { SourceFile, SourceFiles } from './ports.ts';
import { isBlank, readLine } from './read-line.ts';
import { splitLines, type Line } from './split-lines.ts';

/** More than these are not listed: who has so many corrects their cause. */
const mostFaults = 20;

/**
 * Reads every file once and writes down where the row of each key is, what its line hashes to, and what derived
 * values count. Memory does not grow with the files. Throws HalError `SourceRejected` with the file and line of every
 * row that has no key of its own or that cannot be read, and for missing tables and columns; `SourceChanged`.
 */
export async function buildIndex(
  path: string,
  files: SourceFiles,
  listed: readonly SourceFile[],
  definition: MigrationDefinition,
): Promise<void> {
  const database = new DatabaseSync(path);
  try {
    database.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -32000');
    database.exec(`${indexSchema(definition)}; BEGIN`);
    const build = makeBuild(database, definition, files.place);
    for (const [id, file] of listed.entries()) await build.addFile(id, file, files.stream(file));
    build.finish();
    database.exec('COMMIT');
  } finally {
    database.close();
  }
}

interface Build {
  addFile(id: number, file: SourceFile, bytes: AsyncIterable<Uint8Array>): Promise<void>;
  finish(): void;
}

interface TableBuild {
  readonly table: MigratedTable;
  readonly insert: StatementSync;
  readonly names: Set<string>;
  rowCount: number;
  isPresent: boolean;
  /** Counts that derived values of other tables make of these rows. */
  readonly counts: readonly { readonly columns: readonly string[]; readonly add: StatementSync }[];
}

function makeBuild(database: DatabaseSync, definition: MigrationDefinition, place: string): Build {
  const faults: string[] = [];
  const { tables } = definition;
  const builds = new Map(tables.map((table) => [table.table, tableBuild(database, definition, table)]));
  const insertFile = database.prepare('INSERT INTO files VALUES (?, ?, ?, ?, ?)');
  const fault = (text: string): void => {
    faults.push(text);
    if (faults.length >= mostFaults) throw sourceRejected(place, [...faults, 'and perhaps more']);
  };
  const addLine = (id: number, file: SourceFile, line: Line): void => {
    const at = `${file.name}:${line.number}`;
    const content = orFault(() => readLine(line.bytes, tableOfFile(tables, file.name), tables));
    if (typeof content === 'string') return fault(`${at}: ${content}`);
    const build = builds.get(content.table.table);
    if (build === undefined) return undefined;
    build.isPresent = true;
    if (build.names.size < content.table.columns.length)
      for (const name of content.names) build.names.add(name);
    const key = keyOf(content.table, content.row);
    if (typeof key === 'string') return fault(`${at}: ${key}`);
    const where = [id, line.number, line.offset, line.bytes.length, crc32(line.bytes)];
    if (Number(build.insert.run(...key, ...where).changes) === 0)
      return fault(
        `${at}: ${content.table.table} has the key ${shown(key)} twice, ${firstPlace(build, key)}`,
      );
    build.rowCount += 1;
    return addCounts(build, content.row);
  };
  const firstPlace = ({ table }: TableBuild, key: readonly KeyPart[]): string => {
    const where = keyNames(key.length)
      .map((name) => `${name} = ?`)
      .join(' AND ');
    const sql = `SELECT name, line FROM ${rowsTable(definition, table)} LEFT JOIN files ON id = file WHERE ${where}`;
    const found = database.prepare(sql).get(...key) as { name: string | null; line: number };
    return found.name === null ? `first in line ${found.line}` : `first in ${found.name}:${found.line}`;
  };
  return {
    async addFile(id, file, bytes) {
      const named = tableOfFile(tables, file.name);
      const build = named === null ? undefined : builds.get(named.table);
      if (build !== undefined) build.isPresent = true;
      const hash = createHash('sha256');
      try {
        for await (const line of splitLines(hashed(bytes, hash))) {
          if (!isBlank(line.bytes)) addLine(id, file, line);
        }
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        fault(`${file.name}: ${error.message}`);
      }
      insertFile.run(id, file.name, file.sizeBytes, file.tag, hash.digest('hex'));
    },
    finish() {
      const recognised = recogniseMapping(definition, (table) => builds.get(table)?.isPresent === true);
      if (recognised.kind === 'unknown') throw sourceRejected(place, [...faults, ...recognised.faults]);
      const { present, absent, mapping } = recognised;
      for (const table of present) for (const text of missingColumns(builds.get(table.table))) fault(text);
      if (faults.length > 0) throw sourceRejected(place, faults);
      const insert = database.prepare('INSERT INTO tables VALUES (?, ?, ?, ?)');
      for (const { recordType, table } of [...present, ...absent]) {
        const build = builds.get(table);
        insert.run(
          recordType,
          mapping?.name ?? null,
          build?.isPresent === true ? 0 : 1,
          build?.rowCount ?? 0,
        );
      }
    },
  };
}

function tableBuild(
  database: DatabaseSync,
  definition: MigrationDefinition,
  table: MigratedTable,
): TableBuild {
  const width = table.keyColumns.length + 5;
  const counts = definition.tables
    .flatMap((other) => derivedCounts(definition, other))
    .filter(({ countOf }) => countOf === table.table)
    .map(({ sqlTable, counted }) => {
      const keys = keyNames(counted.length).join(', ');
      const values = counted.map(() => '?').join(', ');
      const sql = `INSERT INTO ${sqlTable} VALUES (${values}, 1) ON CONFLICT (${keys}) DO UPDATE SET n = n + 1`;
      return { columns: counted, add: database.prepare(sql) };
    });
  const places = Array.from({ length: width }, () => '?').join(', ');
  const insert = database.prepare(`INSERT OR IGNORE INTO ${rowsTable(definition, table)} VALUES (${places})`);
  return { table, insert, names: new Set(), rowCount: 0, isPresent: false, counts };
}

function addCounts(build: TableBuild, row: FlatRow): void {
  for (const { columns, add } of build.counts) {
    const values: FlatValue[] = columns.map((column) => row[column] ?? null);
    if (!values.includes(null)) add.run(...(values as SQLInputValue[]));
  }
}

function missingColumns(build: TableBuild | undefined): readonly string[] {
  if (build === undefined || build.rowCount === 0) return [];
  return build.table.columns
    .filter(({ name, mayBeAbsent }) => mayBeAbsent !== true && !build.names.has(name))
    .map(({ name }) => `column ${build.table.table}.${name} is in no row`);
}

const [lowest, highest] = [-(2n ** 63n), 2n ** 63n - 1n];

/** The key, or what is wrong with it. */
function keyOf(table: MigratedTable, row: FlatRow): readonly KeyPart[] | string {
  const key: KeyPart[] = [];
  for (const column of table.keyColumns) {
    const value = row[column];
    if (typeof value !== 'string' && typeof value !== 'bigint')
      return `its key column ${table.table}.${column} holds no text or integer`;
    if (typeof value === 'bigint' && (value < lowest || value > highest))
      return `its key column ${table.table}.${column} has more than 64 bits`;
    if (typeof value === 'string' && !value.isWellFormed())
      return `its key column ${table.table}.${column} holds half a character`;
    key.push(value);
  }
  const length = Buffer.byteLength(encodeKey(key));
  return length > maxRowKeyBytes ? `its key has ${length} bytes, at most ${maxRowKeyBytes} can be kept` : key;
}

function shown(key: readonly KeyPart[]): string {
  return `(${key.map(String).join(', ').slice(0, 100)})`;
}

function orFault<Result>(effect: () => Result): Result | string {
  try {
    return effect();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function* hashed(
  chunks: AsyncIterable<Uint8Array>,
  hash: ReturnType<typeof createHash>,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
}
