import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import type { FlatRecords } from '../../lib/gateway/ports.ts';
import type { FlatWriter } from '../../lib/migration/backup/ports.ts';
import { hal9Definition } from '../../lib/migration/hal9-definition.ts';
import type { FlatSource } from '../../lib/migration/ports.ts';
import { openDatabase } from '../../lib/postgres/connection.ts';
import { generateDatabase } from '../../lib/postgres/generate-store.ts';
import { removeChangeLog } from '../../lib/postgres/install-change-log.ts';
import {
  openPostgresRecords,
  openPostgresSource,
  openPostgresWriter,
  targetOfUrl,
} from '../../lib/postgres/open-store.ts';
import { openFlatRecords } from '../../lib/sqlite/flat-records.ts';
import { openFlatWriter } from '../../lib/sqlite/flat-writer.ts';
import { generateStore } from '../../lib/sqlite/generate-store.ts';
import { openFlatSource } from '../../lib/sqlite/open-flat-source.ts';
import { startPostgres } from '../../local/postgres/start-postgres.ts';
import { postgresClient } from './postgres.ts';

/** A generated HAL9 store, as a test and its legacy writer have it. */
interface GeneratedStore {
  readonly source: FlatSource;
  openRecords(): FlatRecords & { close(): Promise<void> | void };
  openWriter(): FlatWriter;
  /** Statements of a writer that knows nothing of the migration. */
  execute(sql: string): Promise<void>;
  /** SQL of a value for a column that holds values of any kind. */
  any(sql: string): string;
  close(): Promise<void>;
}

export interface FlatEngine {
  generate(records: number): Promise<GeneratedStore>;
  stop(): Promise<void>;
}

/** The oldest and the newest PostgreSQL, with both kinds of change log. */
const engines = {
  SQLite: () => Promise.resolve(sqliteEngine()),
  'PostgreSQL 14, its log by triggers': () => postgresEngine(14, 'replica'),
  'PostgreSQL 18, its log decoded': () => postgresEngine(18, 'logical'),
} as const;

export type FlatEngineName = keyof typeof engines;
export const flatEngines = Object.keys(engines) as readonly FlatEngineName[];

export function startFlatEngine(name: FlatEngineName): Promise<FlatEngine> {
  return engines[name]();
}

const seed = 7;

function sqliteEngine(): FlatEngine {
  return {
    async generate(records) {
      const directory = mkdtempSync(join(tmpdir(), 'hal9-copied-'));
      const path = join(directory, 'flat.sqlite');
      await generateStore({ path, records, seed });
      const source = openFlatSource({ kind: 'sqlite', path }, hal9Definition);
      return {
        source,
        openRecords: () => openFlatRecords({ kind: 'sqlite', path }, hal9Definition),
        openWriter: () => openFlatWriter({ kind: 'sqlite', path }, hal9Definition),
        execute(sql) {
          const database = new DatabaseSync(path, { enableForeignKeyConstraints: false });
          database.exec(`PRAGMA busy_timeout = 5000; ${sql}`);
          database.close();
          return Promise.resolve();
        },
        any: (sql) => sql,
        async close() {
          await source.close();
          rmSync(directory, { recursive: true, force: true });
        },
      };
    },
    stop: () => Promise.resolve(),
  };
}

async function postgresEngine(major: 14 | 18, walLevel: 'replica' | 'logical'): Promise<FlatEngine> {
  const server = await startPostgres(major, walLevel);
  return {
    async generate(records) {
      const url = await server.createDatabase();
      const target = targetOfUrl(url, 'public');
      await generateDatabase({ target, records, seed });
      const source = openPostgresSource(target, hal9Definition);
      return {
        source,
        openRecords: () => openPostgresRecords(target, hal9Definition),
        openWriter: () => openPostgresWriter(target, hal9Definition),
        execute: (sql) => postgresClient(url, async (client) => void (await client.query(sql))),
        any: (sql) => `to_json(${sql})`,
        async close() {
          await source.close();
          // A server has few slots.
          const plain = openDatabase({ ...target, maxConnections: 1 });
          await removeChangeLog(plain, hal9Definition);
          await plain.close();
        },
      };
    },
    stop: () => server.stop(),
  };
}
