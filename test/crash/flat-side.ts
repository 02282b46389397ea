import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import pg from 'pg';

import type { SourceConfig } from '../../lib/config/source-config.ts';
import { generateDatabase } from '../../lib/postgres/generate-store.ts';
import { targetOfUrl } from '../../lib/postgres/open-store.ts';
import { generateStore } from '../../lib/sqlite/generate-store.ts';
import { startPostgres } from '../../local/postgres/start-postgres.ts';

/** PostgreSQL with a change log by triggers, or one that is decoded from the write-ahead log. */
export const engines = ['sqlite', 'postgres', 'postgres-decoded'] as const;

export type Engine = (typeof engines)[number];

/** A flat store full of generated rows, and a connection of a writer that knows nothing of the migration. */
export interface FlatSide {
  readonly config: SourceConfig;
  run(sql: string): Promise<void>;
  texts(sql: string): Promise<readonly string[]>;
  stop(): Promise<void>;
}

export async function makeFlatSide(
  engine: Engine,
  generated: { readonly records: number; readonly seed: number },
): Promise<FlatSide> {
  if (engine === 'sqlite') return await inSqlite(generated);
  return await inPostgres(engine === 'postgres' ? 'replica' : 'logical', generated);
}

async function inSqlite(generated: { readonly records: number; readonly seed: number }): Promise<FlatSide> {
  const directory = mkdtempSync(join(tmpdir(), 'hal9-crash-'));
  const path = join(directory, 'flat.sqlite');
  await generateStore({ path, ...generated });
  const database = new DatabaseSync(path, { timeout: 20_000, enableForeignKeyConstraints: false });
  return {
    config: { kind: 'sqlite', path },
    run: (sql) => Promise.resolve(database.exec(sql)),
    texts: (sql) =>
      Promise.resolve(
        database
          .prepare(sql)
          .all()
          .map((row) => String(Object.values(row)[0])),
      ),
    stop() {
      database.close();
      rmSync(directory, { recursive: true, force: true });
      return Promise.resolve();
    },
  };
}

async function inPostgres(
  walLevel: 'replica' | 'logical',
  generated: { readonly records: number; readonly seed: number },
): Promise<FlatSide> {
  const server = await startPostgres(18, walLevel);
  const url = await server.createDatabase();
  await generateDatabase({ target: targetOfUrl(url, 'public'), ...generated });
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return {
    config: { kind: 'postgres', url },
    run: async (sql) => void (await client.query(sql)),
    texts: async (sql) =>
      (await client.query<string[]>({ text: sql, rowMode: 'array' })).rows.map(([text]) => String(text)),
    async stop() {
      await client.end();
      await server.stop();
    },
  };
}
