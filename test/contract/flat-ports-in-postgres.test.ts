import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { FlatWriter } from '../../lib/migration/backup/ports.ts';
import type { MigrationDefinition } from '../../lib/migration/definition.ts';
import {
  openPostgresRecords,
  openPostgresSource,
  openPostgresWriter,
  targetOfUrl,
} from '../../lib/postgres/open-store.ts';
import {
  startPostgres,
  type PostgresMajor,
  type RunningPostgres,
} from '../../local/postgres/start-postgres.ts';
import { smallDefinition } from '../simulation/definition.ts';
import { postgresClient } from '../support/postgres.ts';
import { absentTableContract, partialDefinition } from './absent-table.ts';
import { flatRecordsContract } from './flat-records.ts';
import { flatSourceContract } from './flat-source.ts';
import { flatWriterContract } from './flat-writer.ts';
import { outsiders, queriedDefinition, queriedTableContract, type QueriedAdapter } from './queried-table.ts';

const tables = `
  CREATE TABLE sessions (id text PRIMARY KEY, payload text);
  CREATE TABLE events (stream text NOT NULL, number bigint NOT NULL, payload text, PRIMARY KEY (stream, number));
  CREATE TABLE notes (id text PRIMARY KEY, payload text);
`;

const servers = [14, 18].flatMap((major) =>
  (['replica', 'logical'] as const).map((walLevel) => ({ major, walLevel })),
);

describe.each(servers as readonly { major: PostgresMajor; walLevel: 'replica' | 'logical' }[])(
  'PostgreSQL $major, wal_level $walLevel',
  ({ major, walLevel }) => {
    let server: RunningPostgres;
    beforeAll(async () => {
      server = await startPostgres(major, walLevel);
    });
    afterAll(() => server.stop());

    let schemas = 0;

    /** A schema of its own: the migration and the services have connections of their own. */
    async function inPostgres(
      definition: MigrationDefinition = smallDefinition,
      further = '',
    ): Promise<QueriedAdapter & { readonly writer: FlatWriter }> {
      schemas += 1;
      const name = `flat "${schemas}`;
      const query = (sql: string, values?: readonly string[]): Promise<readonly unknown[]> =>
        postgresClient(server.url, async (client) => {
          await client.query(`SET search_path TO ${client.escapeIdentifier(name)}`);
          return (await client.query<Record<string, unknown>>(sql, values?.slice())).rows;
        });
      await query(`CREATE SCHEMA "flat ""${schemas}"; ${tables} ${further}`);
      const target = targetOfUrl(server.url, name);
      const source = openPostgresSource(target, definition);
      const records = openPostgresRecords(target, definition);
      return {
        source,
        records,
        writer: openPostgresWriter(target, definition),
        execute: async (sql) => void (await query(sql)),
        payloadOf: async (id) => {
          const [row] = await query('SELECT payload FROM sessions WHERE id = $1', [id]);
          return (row as { readonly payload: unknown } | undefined)?.payload;
        },
        reopen: (other) => openPostgresSource(target, other),
        async stop() {
          await source.close();
          await records.close();
        },
      };
    }

    flatSourceContract(`PostgreSQL ${major} ${walLevel}`, () => inPostgres());
    flatRecordsContract(`PostgreSQL ${major} ${walLevel}`, () => inPostgres());
    flatWriterContract(`PostgreSQL ${major} ${walLevel}`, () => inPostgres());
    absentTableContract(`PostgreSQL ${major} ${walLevel}`, () =>
      inPostgres(partialDefinition, 'DROP TABLE notes;'),
    );
    const queried = () => inPostgres(queriedDefinition, outsiders);
    queriedTableContract(`PostgreSQL ${major} ${walLevel}`, queried);

    it('logs the records that TRUNCATE takes away, and nothing of the other rows', async () => {
      const adapter = await queried();
      await adapter.source.installChangeLog();
      await adapter.execute(`INSERT INTO sessions VALUES ('a', 'x')`);
      const { sequence } = await adapter.source.lowWatermark('user-sessions');

      await adapter.execute('TRUNCATE sessions');

      const page = await adapter.source.readChanges('user-sessions', sequence, 10);
      expect(page).toMatchObject({ entryCount: 1, images: [{ key: { id: 'a' }, row: null }] });
      await adapter.stop();
    });

    it('refuses a where over a column that triggers see without its value', async () => {
      if (major < 18) return;
      const kind = 'ALTER TABLE sessions ADD kind text GENERATED ALWAYS AS (left(payload, 2)) VIRTUAL;';
      const [table] = smallDefinition.tables;
      const adapter = await inPostgres(
        { ...smallDefinition, tables: [{ ...table!, where: `kind = 'in'` }] },
        kind,
      );

      await expect(adapter.source.installChangeLog()).rejects.toMatchObject({ name: 'QueryRejected' });
      await adapter.stop();
    });

    // The other contracts with the oldest and the newest server, and with both kinds of change log.
    if ((major === 14) === (walLevel === 'logical')) return;
    flatSourceContract(`PostgreSQL ${major} ${walLevel} with a where`, queried);
    flatRecordsContract(`PostgreSQL ${major} ${walLevel} with a where`, queried);
    flatWriterContract(`PostgreSQL ${major} ${walLevel} with a where`, queried);
  },
);
