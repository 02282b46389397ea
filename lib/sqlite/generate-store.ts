import { existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';

import { HalError } from '../kernel/errors.ts';
import {
  planGeneration,
  type GeneratedRow,
  type GeneratorPlan,
  type GeneratorOptions,
} from '../migration/generator/generate-rows.ts';
import { planServerGeneration } from '../migration/generator/server-rows.ts';
import { hal9Definition, hal9ServerDefinition } from '../migration/hal9-definition.ts';
import type { MigrationDefinition } from '../migration/definition.ts';
import type { MigratedTable } from '../migration/table-lookup.ts';
import { boundValue } from './exact-text.ts';
import { sourceFault } from './faults.ts';
import { flatSchemaSql } from './flat-schema.ts';
import { serverSchemaSql } from './server-schema.ts';
import { quoteName } from './table-layout.ts';

export interface GenerateStoreOptions extends GeneratorOptions {
  /** Must not exist yet. */
  readonly path: string;
  /** Which of the two shapes of a HAL9 store; canonical by default. */
  readonly schema?: StoreSchema;
  /** Called after every few thousand rows, and once at the end. */
  readonly onProgress?: (progress: { readonly written: number; readonly records: number }) => void;
}

export const storeSchemas = ['canonical', 'server'] as const;

type StoreSchema = (typeof storeSchemas)[number];

export interface GeneratedStore {
  readonly path: string;
  readonly records: number;
  readonly counts: GeneratorPlan['counts'];
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
  const plan = schemaOf(options).plan(options);
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
  options: GenerateStoreOptions,
): Promise<void> {
  const { records, onProgress } = options;
  const { definition, sql } = schemaOf(options);
  const database = new DatabaseSync(draft, { enableForeignKeyConstraints: false });
  try {
    // A draft that breaks is thrown away, so nothing needs to survive a crash before the rename.
    database.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;');
    database.exec(sql());
    const insert = makeInserts(database, definition);
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

function schemaOf({ schema = 'canonical' }: GenerateStoreOptions): {
  readonly definition: MigrationDefinition;
  readonly sql: () => string;
  readonly plan: (options: GeneratorOptions) => GeneratorPlan;
} {
  return schema === 'server'
    ? { definition: hal9ServerDefinition, sql: () => serverSchemaSql, plan: planServerGeneration }
    : { definition: hal9Definition, sql: () => flatSchemaSql(hal9Definition), plan: planGeneration };
}

function makeInserts(
  database: DatabaseSync,
  definition: MigrationDefinition,
): (generated: GeneratedRow) => void {
  const tables = new Map(definition.tables.map((table) => [table.recordType, table]));
  const prepared = new Map<string, StatementSync>();
  return ({ recordType, row }) => {
    const table = tables.get(recordType);
    if (table === undefined) throw new RangeError(`no table of ${recordType}`);
    const names = table.columns.map(({ name }) => name).filter((name) => row[name] !== undefined);
    const values = names.map((name) => boundValue(row[name] ?? null));
    const sql = insertSql(
      table,
      names,
      values.map(({ sql }) => sql),
    );
    const statement = prepared.get(sql) ?? database.prepare(sql);
    prepared.set(sql, statement);
    statement.run(...values.map(({ parameter }) => parameter as SQLInputValue));
  };
}

function insertSql({ table }: MigratedTable, names: readonly string[], values: readonly string[]): string {
  return `INSERT INTO ${quoteName(table)} (${names.map(quoteName).join(', ')}) VALUES (${values.join(', ')})`;
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
