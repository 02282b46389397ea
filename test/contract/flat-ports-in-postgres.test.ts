import { afterAll, beforeAll, describe } from 'vitest';

import type { FlatWriter } from '../../lib/migration/backup/ports.ts';
import type { MigrationDefinition } from '../../lib/migration/definition.ts';
import {
  openPostgresRecords,
  openPostgresSource,
  openPostgresWriter,
  targetOfUrl,
} from '../../lib/postgres/open-store.ts';
import { startPostgres, type RunningPostgres } from '../../local/postgres/start-postgres.ts';
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

describe.each([14, 18] as const)('PostgreSQL %i', (major) => {
  let server: RunningPostgres;
  beforeAll(async () => {
    server = await startPostgres(major);
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

  flatSourceContract(`PostgreSQL ${major}`, () => inPostgres());
  flatRecordsContract(`PostgreSQL ${major}`, () => inPostgres());
  flatWriterContract(`PostgreSQL ${major}`, () => inPostgres());
  absentTableContract(`PostgreSQL ${major}`, () => inPostgres(partialDefinition, 'DROP TABLE notes;'));
});
