import pg from 'pg';

import { openPostgresRecords, openPostgresSource, targetOfUrl } from '../../../lib/postgres/open-store.ts';
import type { MigrationDefinition } from '../../../lib/migration/definition.ts';
import type { FlatRecords } from '../../../lib/gateway/ports.ts';
import type { FlatSource } from '../../../lib/migration/ports.ts';
import type { RunningPostgres } from '../../../local/postgres/start-postgres.ts';
import { smallDefinition } from '../../simulation/definition.ts';

const [session, event] = smallDefinition.tables;

/** Sessions, and events that count for the session which they name as their stream. */
export const countedDefinition: MigrationDefinition = {
  name: 'counted',
  tables: [
    {
      ...session!,
      derived: [{ name: 'events', countOf: 'events', where: { stream: 'id' } }],
    },
    {
      ...event!,
      category: session!.category,
      touches: [{ table: 'sessions', keyColumns: ['stream'] }],
    },
  ],
};

const tables = `
  CREATE TABLE sessions (id text PRIMARY KEY, payload text);
  CREATE TABLE events (stream text NOT NULL, number bigint NOT NULL, payload text, PRIMARY KEY (stream, number));
  CREATE TABLE notes (id text PRIMARY KEY, payload text);
`;

export interface FlatDatabase {
  readonly url: string;
  readonly source: FlatSource;
  readonly records: FlatRecords;
  /** A connection of a legacy writer. */
  connect(): Promise<pg.Client>;
  /** A source as another process has it. */
  openSource(): FlatSource;
  stop(): Promise<void>;
}

/** A database of its own with the tables of the small definition, or others. */
export async function makeFlatDatabase(
  server: RunningPostgres,
  definition: MigrationDefinition = smallDefinition,
  ddl = tables,
): Promise<FlatDatabase> {
  const url = await server.createDatabase();
  const open: { end(): Promise<void> }[] = [];
  const connect = async (): Promise<pg.Client> => {
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => undefined);
    await client.connect();
    open.push(client);
    return client;
  };
  const openSource = (): FlatSource => {
    const source = openPostgresSource(targetOfUrl(url, 'public'), definition);
    open.push({ end: () => source.close() });
    return source;
  };
  const records = openPostgresRecords(targetOfUrl(url, 'public'), definition);
  open.push({ end: () => records.close() });
  await (await connect()).query(ddl);
  return {
    url,
    source: openSource(),
    records,
    connect,
    openSource,
    async stop() {
      await Promise.all(open.map((resource) => resource.end()));
    },
  };
}

/** Waits until a session of the database waits for a lock. */
export async function untilWaiting(observer: pg.Client, count = 1): Promise<void> {
  for (;;) {
    const { rows } = await observer.query<{ waiting: string }>(
      "SELECT count(*) AS waiting FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()",
    );
    if (Number(rows[0]!.waiting) >= count) return;
  }
}
