import { existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';

import { HalError } from '../kernel/errors.ts';
import {
  planGeneration,
  type GeneratedRow,
  type GeneratorOptions,
} from '../migration/generator/generate-rows.ts';
import type { RowCounts } from '../migration/generator/row-counts.ts';
import { hal9Definition } from '../migration/hal9-definition.ts';
import type { MigratedTable } from '../migration/table-lookup.ts';
import { boundValue } from './exact-text.ts';
import { sourceFault } from './faults.ts';
import { flatSchemaSql } from './flat-schema.ts';
import { quoteName } from './table-layout.ts';

export interface GenerateStoreOptions extends GeneratorOptions {
  /** Must not exist yet. */
  readonly path: string;
  /** Called after every few thousand rows, and once at the end. */
  readonly onProgress?: (progress: { readonly written: number; readonly records: number }) => void;
}

export interface GeneratedStore {
  readonly path: string;
  readonly records: number;
  readonly counts: RowCounts;
  /** Rows that must end in quarantine. */
  readonly damaged: number;
}

/** Most rows that a generated store can have. */
const maxGeneratedRecords = 100_000_000;

const rowsPerTransaction = 5_000;

/**
 * Writes a flat HAL9 store, the same rows for the same seed. The file appears when it is complete.
 * Throws HalError `GeneratorOptionsInvalid`, `OutputExists`, `OutputUnwritable`, `SourceDiskFull`.
 */
export async function generateStore(options: GenerateStoreOptions): Promise<GeneratedStore> {
  checkOptions(options);
  const { path, records } = options;
  const plan = planGeneration(options);
  const draft = `${path}.partial`;
  removeDraft(draft);
  try {
    await writeDraft(draft, plan.rows(), options);
    renameSync(draft, path);
  } catch (error) {
    removeDraft(draft);
    throw isUnwritable(error) ? outputUnwritable(path, (error as Error).message) : sourceFault(error, path);
  }
  return { path, records, counts: plan.counts, damaged: plan.damaged };
}

async function writeDraft(
  draft: string,
  rows: Iterable<GeneratedRow>,
  { records, onProgress }: GenerateStoreOptions,
): Promise<void> {
  const database = new DatabaseSync(draft, { enableForeignKeyConstraints: false });
  try {
    // A draft that breaks is thrown away, so nothing needs to survive a crash before the rename.
    database.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;');
    database.exec(flatSchemaSql(hal9Definition));
    const insert = makeInserts(database);
    let written = 0;
    database.exec('BEGIN');
    for (const row of rows) {
      insert(row);
      written += 1;
      if (written % rowsPerTransaction !== 0) continue;
      database.exec('COMMIT; BEGIN');
      onProgress?.({ written, records });
      // Lets whoever shows the progress have a turn.
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
    database.exec('COMMIT; PRAGMA synchronous = FULL; PRAGMA journal_mode = WAL;');
    onProgress?.({ written, records });
  } finally {
    database.close();
  }
}

function makeInserts(database: DatabaseSync): (generated: GeneratedRow) => void {
  const tables = new Map(hal9Definition.tables.map((table) => [table.recordType, table]));
  const prepared = new Map<string, StatementSync>();
  return ({ recordType, row }) => {
    const table = tables.get(recordType);
    if (table === undefined) throw new RangeError(`no table of ${recordType}`);
    const values = table.columns.map(({ name }) => boundValue(row[name] ?? null));
    const sql = insertSql(
      table,
      values.map(({ sql }) => sql),
    );
    const statement = prepared.get(sql) ?? database.prepare(sql);
    prepared.set(sql, statement);
    statement.run(...values.map(({ parameter }) => parameter as SQLInputValue));
  };
}

function insertSql({ table, columns }: MigratedTable, values: readonly string[]): string {
  const names = columns.map(({ name }) => quoteName(name)).join(', ');
  return `INSERT INTO ${quoteName(table)} (${names}) VALUES (${values.join(', ')})`;
}

function checkOptions({ path, records, seed }: GenerateStoreOptions): void {
  const faults = [
    ...(Number.isInteger(records) && records >= 1 && records <= maxGeneratedRecords
      ? []
      : [`records is ${records}, not a whole number from 1 to ${maxGeneratedRecords}`]),
    ...(Number.isSafeInteger(seed) ? [] : [`seed is ${seed}, not a whole number`]),
  ];
  if (faults.length > 0) {
    throw new HalError({
      name: 'GeneratorOptionsInvalid',
      message: `No store can be generated: ${faults.join('; ')}.`,
      remedy: 'Give whole numbers, for example --records 20000 --seed 1.',
      exit: 'usage',
      facts: { faults },
    });
  }
  checkOutput(path);
}

function checkOutput(path: string): void {
  const directory = dirname(path);
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw outputUnwritable(path, `${directory} is no directory`);
  }
  if (!existsSync(path)) return;
  throw new HalError({
    name: 'OutputExists',
    message: `${path} exists already.`,
    remedy: 'Name another file, or remove this one first.',
    exit: 'conflict',
    facts: { path },
  });
}

/** SQLite could not open the file (14), or only for reading (8). */
function isUnwritable(error: unknown): boolean {
  const { errcode } = error as { readonly errcode?: number };
  return errcode === 14 || ((errcode ?? 0) & 0xff) === 8;
}

function outputUnwritable(path: string, reason: string): HalError {
  return new HalError({
    name: 'OutputUnwritable',
    message: `${path} cannot be written: ${reason}.`,
    remedy: 'Make the directory first, or name a file elsewhere.',
    exit: 'usage',
    facts: { path, reason },
  });
}

function removeDraft(draft: string): void {
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(`${draft}${suffix}`, { force: true });
}
