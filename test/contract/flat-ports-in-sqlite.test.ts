import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import type { FlatWriter } from '../../lib/migration/backup/ports.ts';
import type { MigrationDefinition } from '../../lib/migration/definition.ts';
import { openFlatRecords } from '../../lib/sqlite/flat-records.ts';
import { openFlatWriter } from '../../lib/sqlite/flat-writer.ts';
import { openFlatSource } from '../../lib/sqlite/open-flat-source.ts';
import { smallDefinition } from '../simulation/definition.ts';
import { absentTableContract, partialDefinition } from './absent-table.ts';
import { flatRecordsContract } from './flat-records.ts';
import { flatSourceContract } from './flat-source.ts';
import { flatWriterContract } from './flat-writer.ts';
import { outsiders, queriedDefinition, queriedTableContract, type QueriedAdapter } from './queried-table.ts';

const schema = `
  CREATE TABLE sessions (id TEXT NOT NULL PRIMARY KEY, payload TEXT);
  CREATE TABLE events (stream TEXT NOT NULL, number INTEGER NOT NULL, payload TEXT, PRIMARY KEY (stream, number));
  CREATE TABLE notes (id TEXT NOT NULL PRIMARY KEY, payload TEXT);
`;

/** A real file: the migration and the services have connections of their own. */
async function inSqlite(
  definition: MigrationDefinition = smallDefinition,
  further = '',
): Promise<QueriedAdapter & { readonly writer: FlatWriter }> {
  const directory = await mkdtemp(join(tmpdir(), 'hal9-contract-'));
  const config = { kind: 'sqlite', path: join(directory, 'flat.sqlite') } as const;
  const database = new DatabaseSync(config.path);
  database.exec(`${schema} ${further}`);
  database.close();
  const source = openFlatSource(config, definition);
  const records = openFlatRecords(config, definition);
  return {
    source,
    records,
    writer: openFlatWriter(config, definition),
    execute: (sql) => inDatabase(config.path, (database) => database.exec(sql)),
    payloadOf: (id) =>
      inDatabase(
        config.path,
        (database) => database.prepare('SELECT payload FROM sessions WHERE id = ?').get(id)?.['payload'],
      ),
    reopen: (other) => openFlatSource(config, other),
    async stop() {
      await source.close();
      records.close();
      await rm(directory, { recursive: true });
    },
  };
}

/** A connection of its own, as other processes have. */
async function inDatabase<Result>(path: string, work: (database: DatabaseSync) => Result): Promise<Result> {
  const database = new DatabaseSync(path);
  try {
    return await Promise.resolve(work(database));
  } finally {
    database.close();
  }
}

flatSourceContract('SQLite', () => inSqlite());
flatRecordsContract('SQLite', () => inSqlite());
flatWriterContract('SQLite', () => inSqlite());
absentTableContract('SQLite', () => inSqlite(partialDefinition, 'DROP TABLE notes;'));

const queried = () => inSqlite(queriedDefinition, outsiders);
flatSourceContract('SQLite with a where', queried);
flatRecordsContract('SQLite with a where', queried);
flatWriterContract('SQLite with a where', queried);
queriedTableContract('SQLite', queried);
