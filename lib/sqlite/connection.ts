import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';

import type { FlatValue } from '../migration/row.ts';
import { HalError } from '../kernel/errors.ts';
import { sourceFault } from './faults.ts';

/** One result row: INTEGER as bigint, REAL as number, TEXT as string, BLOB as bytes. */
export type Cells = readonly FlatValue[];

/** One connection to a flat store. All of it is synchronous, so no transaction is ever open across an await. */
export interface Connection {
  readonly path: string;
  all(sql: string, parameters?: readonly FlatValue[]): readonly Cells[];
  /** The first row. */
  first(sql: string, parameters?: readonly FlatValue[]): Cells | undefined;
  /** Number of rows changed. */
  run(sql: string, parameters?: readonly FlatValue[]): number;
  /** Several statements, without parameters. */
  script(sql: string): void;
  /** One snapshot for everything that `read` reads. */
  snapshot<Result>(read: () => Result): Result;
  /** A write transaction from its first statement on, so that it never fails halfway for a newer snapshot. */
  write<Result>(change: () => Result): Result;
  close(): void;
}

/** How long a statement waits for another process's transaction, in milliseconds. */
const defaultBusyTimeoutMs = 5_000;

/** Statements kept prepared per connection. */
const maxPrepared = 300;

/**
 * Opens an existing store. Throws HalError `SourceMissing`, `SourceNotSqlite`, `SourceCorrupt`, `SourceLocked`.
 * Foreign keys stay off: reverse changes arrive in any order, and a cascade would delete what nobody asked for.
 */
export function openConnection(path: string, options: { readonly busyTimeoutMs?: number } = {}): Connection {
  if (!existsSync(path)) throw missing(path);
  const run = <Result>(effect: () => Result): Result => {
    try {
      return effect();
    } catch (error) {
      throw sourceFault(error, path);
    }
  };
  const database = run(() => openDatabase(path, options.busyTimeoutMs ?? defaultBusyTimeoutMs));
  const prepare = preparedStatements(database);
  const transaction = <Result>(begin: string, body: () => Result): Result =>
    run(() => {
      database.exec(begin);
      try {
        const result = body();
        database.exec('COMMIT');
        return result;
      } catch (error) {
        if (database.isTransaction) database.exec('ROLLBACK');
        throw error;
      }
    });
  return {
    path,
    all: (sql, parameters = []) =>
      run(() => prepare(sql).all(...inputs(parameters)) as unknown as readonly Cells[]),
    first: (sql, parameters = []) =>
      run(() => prepare(sql).get(...inputs(parameters)) as unknown as Cells | undefined),
    run: (sql, parameters = []) => run(() => Number(prepare(sql).run(...inputs(parameters)).changes)),
    script: (sql) => run(() => database.exec(sql)),
    snapshot: (read) => transaction('BEGIN', read),
    write: (change) => transaction('BEGIN IMMEDIATE', change),
    close: () => {
      if (database.isOpen) database.close();
    },
  };
}

/** Lets readers and the writer work side by side. Stays as it was while another process keeps the file busy. */
export function useWriteAheadLog(connection: Connection): void {
  if (connection.first('PRAGMA journal_mode')?.[0] === 'wal') return;
  try {
    connection.first('PRAGMA journal_mode = WAL');
  } catch (error) {
    if (!(error instanceof HalError) || error.name !== 'SourceLocked') throw error;
  }
}

function openDatabase(path: string, timeout: number): DatabaseSync {
  // The URI form refuses to create a file that vanished meanwhile.
  const url = new URL(`${pathToFileURL(resolve(path)).href}?mode=rw`);
  const database = new DatabaseSync(url, {
    readBigInts: true,
    returnArrays: true,
    enableForeignKeyConstraints: false,
    timeout,
  });
  try {
    database.prepare('PRAGMA schema_version').get();
    database.prepare('SELECT count(*) FROM sqlite_schema').get();
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function preparedStatements(database: DatabaseSync): (sql: string) => StatementSync {
  const statements = new Map<string, StatementSync>();
  return (sql) => {
    const known = statements.get(sql);
    if (known !== undefined) return known;
    if (statements.size >= maxPrepared) statements.clear();
    const statement = database.prepare(sql);
    statements.set(sql, statement);
    return statement;
  };
}

function inputs(parameters: readonly FlatValue[]): SQLInputValue[] {
  return parameters as SQLInputValue[];
}

function missing(path: string): HalError {
  return new HalError({
    name: 'SourceMissing',
    message: `There is no flat store at ${path}.`,
    remedy: 'Check the path; `hal9-migrate generate -o FILE` makes a store to try things out on.',
    exit: 'sourceRejected',
    facts: { path },
  });
}
