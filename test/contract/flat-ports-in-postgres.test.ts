import { afterAll, beforeAll, describe } from 'vitest';

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
import { flatSourceContract, type FlatAdapter } from './flat-source.ts';
import { flatWriterContract } from './flat-writer.ts';

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
    ): Promise<FlatAdapter & { readonly writer: FlatWriter }> {
      schemas += 1;
      const name = `flat "${schemas}`;
      await postgresClient(server.url, async (client) => {
        const quoted = client.escapeIdentifier(name);
        await client.query(`CREATE SCHEMA ${quoted}; SET search_path TO ${quoted}; ${tables} ${further}`);
      });
      const target = targetOfUrl(server.url, name);
      const source = openPostgresSource(target, definition);
      const records = openPostgresRecords(target, definition);
      return {
        source,
        records,
        writer: openPostgresWriter(target, definition),
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
  },
);
