import {
  closeSync,
  copyFileSync,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import {
  describeSource,
  type DynamoConfig,
  type JsonlConfig,
  type PostgresConfig,
  type SourceConfig,
} from '../../lib/config/source-config.ts';
import { HalError } from '../../lib/kernel/errors.ts';
import { describeShape, sourceShape } from '../../lib/migration/source-shape.ts';
import { categoriesOf } from '../../lib/migration/table-lookup.ts';
import { openConnection } from '../../lib/sqlite/connection.ts';
import { makeSqliteFlatSource } from '../../lib/sqlite/flat-source.ts';
import { makeFlatStore } from '../../lib/sqlite/flat-store.ts';
import { removeChangeLog } from '../../lib/sqlite/install-change-log.ts';
import type { DataDirectory } from './data-directory.ts';
import { chosenMigration } from './deployment.ts';
import { dynamoConfig, isDynamoUrl, knownDynamo, useDynamo } from './dynamodb-source.ts';
import { explainFullDisk } from './disk-room.ts';
import { isJsonlSource, jsonlConfig, knownJsonl, useJsonl } from './jsonl-source.ts';
import { isPostgresUrl, knownPostgres, postgresConfig, usePostgres } from './postgres-source.ts';

/** Where a flat store came from; kept beside it, so that a later start does not replace it by another. */
type FlatOrigin = { readonly kind: 'file'; readonly path: string } | { readonly kind: 'generated' };

/** Makes a new flat store at `path`. */
export type GenerateStore = (path: string) => Promise<void> | void;

/** What SQLite calls a full disk. */
const fullCode = 13;

const sqliteMagic = 'SQLite format 3\0';

/**
 * Puts the flat store into the data directory unless it is there; a PostgreSQL database and DynamoDB tables are used where they are. Throws SourceMissing, SourceNotSqlite,
 * SourceUnreadable, SourceRejected, DataDirFull, and DataDirHoldsOtherStore when the directory's store came from
 * somewhere else. A store that was refused leaves nothing behind, so that it can be mended and given again.
 */
export async function ensureFlatStore(
  directory: DataDirectory,
  sourceFile: string | undefined,
  generate: GenerateStore,
  say: (line: string) => void = () => {},
): Promise<SourceConfig> {
  const files = filesOf(directory, sourceFile);
  if (files !== null) return await useJsonl(directory, files, say);
  const tables = tablesOf(directory, sourceFile);
  if (tables !== null) return await useDynamo(directory, tables, say);
  const database = databaseOf(directory, sourceFile);
  if (database !== null) return await usePostgres(directory, database, say);
  await ensureFile(directory, sourceFile, { generate, say });
  return { kind: 'sqlite', path: directory.flatStore };
}

/** The files that are named, or that the directory was started with; null for another store. Throws DataDirHoldsOtherStore. */
function filesOf(directory: DataDirectory, source: string | undefined): JsonlConfig | null {
  const known = knownJsonl(directory);
  if (source === undefined) return known;
  const wanted = isJsonlSource(source) ? jsonlConfig(directory, source) : null;
  const isOther = existsSync(directory.flatOrigin) && JSON.stringify(known) !== JSON.stringify(wanted);
  if (isOther && (known !== null || wanted !== null))
    throw holdsOther(directory, known?.path ?? 'another store', wanted?.path ?? source);
  return wanted;
}

/** The tables that are named, or that the directory was started with; null for another store. Throws DataDirHoldsOtherStore. */
function tablesOf(directory: DataDirectory, source: string | undefined): DynamoConfig | null {
  const known = knownDynamo(directory);
  if (source === undefined) return known;
  const wanted = isDynamoUrl(source) ? dynamoConfig(source) : null;
  const isOther = existsSync(directory.flatOrigin) && JSON.stringify(known) !== JSON.stringify(wanted);
  if (isOther && (known !== null || wanted !== null)) {
    const holds = known === null ? 'another store' : describeSource(known);
    throw holdsOther(directory, holds, wanted === null ? source : describeSource(wanted));
  }
  return wanted;
}

/** The database that is named, or that the directory was started with; null for a file. Throws DataDirHoldsOtherStore. */
function databaseOf(directory: DataDirectory, source: string | undefined): PostgresConfig | null {
  const known = knownPostgres(directory);
  if (source === undefined) return known;
  const wanted = isPostgresUrl(source) ? postgresConfig(source) : null;
  const isOther = existsSync(directory.flatOrigin) && JSON.stringify(known) !== JSON.stringify(wanted);
  if (isOther && (known !== null || wanted !== null)) {
    const holds = known === null ? 'a file' : describeSource(known);
    throw holdsOther(directory, holds, wanted === null ? resolve(source) : describeSource(wanted));
  }
  return wanted;
}

async function ensureFile(
  directory: DataDirectory,
  sourceFile: string | undefined,
  { generate, say }: { readonly generate: GenerateStore; readonly say: (line: string) => void },
): Promise<void> {
  const wanted: FlatOrigin =
    sourceFile === undefined ? { kind: 'generated' } : { kind: 'file', path: resolve(sourceFile) };
  if (existsSync(directory.flatStore)) return checkOrigin(directory, wanted);
  // Built beside and renamed: a start that is killed here leaves no half store behind.
  const draft = `${directory.flatStore}.draft`;
  removeStore(draft);
  try {
    if (wanted.kind === 'file') copyStore(wanted.path, draft);
    else await generate(draft);
    mergeWriteAheadLog(draft);
    if (wanted.kind === 'file') {
      forgetEarlierMigration(draft);
      say(`Source: ${await checkSchema(draft, wanted.path)}`);
    }
    writeFileSync(directory.flatOrigin, JSON.stringify(wanted));
    renameSync(draft, directory.flatStore);
  } catch (error) {
    // Before the draft makes room again.
    const fault = explainFullDisk(directory.root, error);
    removeStore(draft);
    throw fault;
  }
}

/** A store that was part of another migration belongs to none here: this directory's target is empty. */
function forgetEarlierMigration(copy: string): void {
  const connection = openConnection(copy);
  try {
    removeChangeLog(connection);
  } finally {
    connection.close();
  }
}

/**
 * Which shape the store has, in words. Throws SourceRejected with everything that is wrong, in the words of the file
 * that the user knows.
 */
async function checkSchema(copy: string, original: string): Promise<string> {
  const definition = await chosenMigration();
  const connection = { ...openConnection(copy), path: original };
  const source = makeSqliteFlatSource(makeFlatStore(connection, definition));
  try {
    const shape = sourceShape(await source.inspect(), categoriesOf(definition));
    return describeShape(shape) || `tables of ${definition.name}`;
  } finally {
    await source.close();
  }
}

function checkOrigin(directory: DataDirectory, wanted: FlatOrigin): void {
  // Without a source the store that is there is used, whatever it came from: the cloud was stopped and goes on.
  if (wanted.kind === 'generated') return;
  const origin = readOrigin(directory);
  if (origin.kind === 'file' && origin.path === wanted.path) return;
  throw holdsOther(directory, origin.kind === 'file' ? origin.path : 'the generator', wanted.path);
}

function holdsOther(directory: DataDirectory, from: string, wanted: string): HalError {
  return new HalError({
    name: 'DataDirHoldsOtherStore',
    message: `${directory.root} already holds a flat store from ${from}, not from ${wanted}.`,
    remedy:
      'Name another directory with --data, or leave --source away to go on with the store that is there.',
    exit: 'conflict',
    facts: { dataDir: directory.root, holds: from, wanted },
  });
}

function readOrigin(directory: DataDirectory): FlatOrigin {
  try {
    return JSON.parse(readFileSync(directory.flatOrigin, 'utf8')) as FlatOrigin;
  } catch {
    return { kind: 'generated' };
  }
}

/** Copies bytes, with what a killed writer left beside them, so that the user's file is not even opened as a database. */
function copyStore(from: string, to: string): void {
  checkSourceFile(from);
  copyFileSync(from, to);
  for (const suffix of ['-wal', '-journal']) {
    if (existsSync(`${from}${suffix}`)) copyFileSync(`${from}${suffix}`, `${to}${suffix}`);
  }
}

function checkSourceFile(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined || !found.isFile()) {
    throw new HalError({
      name: 'SourceMissing',
      message: `There is no source file at ${path}.`,
      remedy: 'Name an SQLite file with --source, or leave --source away for a generated store.',
      exit: 'sourceRejected',
      facts: { path },
    });
  }
  if (headOf(path) === sqliteMagic) return;
  throw new HalError({
    name: 'SourceNotSqlite',
    message: `${path} is not an SQLite database.`,
    remedy: 'Name an SQLite file with --source; `hal9-migrate generate` makes an example.',
    exit: 'sourceRejected',
    facts: { path },
  });
}

function headOf(path: string): string {
  try {
    return firstBytes(path);
  } catch (cause) {
    throw new HalError({
      name: 'SourceUnreadable',
      message: `${path} cannot be read: ${(cause as Error).message}.`,
      remedy: 'Give this user the right to read the file.',
      exit: 'unavailable',
      facts: { path },
      cause,
    });
  }
}

function firstBytes(path: string): string {
  const file = openSync(path, 'r');
  try {
    const head = Buffer.alloc(sqliteMagic.length);
    const length = readSync(file, head, 0, head.length, 0);
    return head.toString('latin1', 0, length);
  } finally {
    closeSync(file);
  }
}

/** Opens the copy once: what the log held is merged, and a file that is no whole database is found now. */
function mergeWriteAheadLog(path: string): void {
  try {
    const database = new DatabaseSync(path);
    database.exec('PRAGMA wal_checkpoint(TRUNCATE); SELECT count(*) FROM sqlite_schema;');
    database.close();
  } catch (cause) {
    if ((cause as { readonly errcode?: number }).errcode === fullCode) throw cause;
    throw new HalError({
      name: 'SourceNotSqlite',
      message: `The copy of the source cannot be opened as a database: ${(cause as Error).message}.`,
      remedy: 'Check the file with `sqlite3 FILE "PRAGMA integrity_check"`.',
      exit: 'sourceRejected',
      facts: { path },
      cause,
    });
  }
}

function removeStore(path: string): void {
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(`${path}${suffix}`, { force: true });
}
