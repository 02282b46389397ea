import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { expect, onTestFinished, test } from 'vitest';

import { canonicalJson, parseExactJson } from '../../../lib/kernel/canonical-json.ts';
import { planServerGeneration } from '../../../lib/migration/generator/server-rows.ts';
import { hal9Definition, hal9Migration } from '../../../lib/migration/hal9-definition.ts';
import { encodeRow } from '../../../lib/migration/row-encoding.ts';
import type { FlatRow } from '../../../lib/migration/row.ts';
import { tableOf } from '../../../lib/migration/table-lookup.ts';
import { flatSchemaSql } from '../../../lib/sqlite/flat-schema.ts';
import { openFlatRecords } from '../../../lib/sqlite/flat-records.ts';
import { generateStore } from '../../../lib/sqlite/generate-store.ts';
import { openFlatSource } from '../../../lib/sqlite/open-flat-source.ts';
import { serverSchemaSql } from '../../../lib/sqlite/server-schema.ts';
import { temporaryDirectory } from './flat-file.ts';

const nowMs = Date.parse('2026-06-01T00:00:00Z');

function storeWith(sql: string) {
  const path = join(temporaryDirectory(), 'store.sqlite');
  const database = new DatabaseSync(path);
  database.exec(sql);
  const config = { kind: 'sqlite', path } as const;
  const source = openFlatSource(config, hal9Migration);
  onTestFinished(async () => {
    await source.close();
    database.close();
  });
  return { database, source, config };
}

/** Null is what a column that is not there has. */
function withoutNulls(row: FlatRow): FlatRow {
  return Object.fromEntries(
    Object.entries(row)
      .filter(([, value]) => value !== null)
      .toSorted(([left], [right]) => (left < right ? -1 : 1)),
  );
}

const oneNeuron = "INSERT INTO neurons VALUES ('n1', 'L4', 'Plan.', '{}', 'idle', 1749404289, 1749404289)";

test('a server store is recognised, and an absent table is an empty one that is named', async () => {
  const { source } = storeWith(`${serverSchemaSql} ${oneNeuron};`);

  const reports = await source.inspect();

  expect(new Set(reports.map(({ mapping }) => mapping))).toEqual(new Set(['server']));
  expect(reports.filter(({ absent }) => absent === true).map(({ table }) => table)).toEqual(['api_keys']);
  expect(reports.find(({ table }) => table === 'neurons')).toMatchObject({ rowCount: 1 });
});

test('a canonical store is recognised, whatever tables of others are beside its own', async () => {
  const { source } = storeWith(`${flatSchemaSql(hal9Definition)} CREATE TABLE users (id TEXT PRIMARY KEY);`);

  const reports = await source.inspect();

  expect(reports).toHaveLength(8);
  expect(new Set(reports.map(({ mapping }) => mapping))).toEqual(new Set(['canonical']));
});

test('a canonical store without one of its tables is refused', async () => {
  const { source } = storeWith(`${flatSchemaSql(hal9Definition)} DROP TABLE flat_config;`);

  await expect(source.inspect()).rejects.toMatchObject({
    name: 'SourceRejected',
    facts: { faults: ['table flat_config is missing'] },
  });
});

test('a store with parts of both shapes is of neither, and each part is named', async () => {
  const { source } = storeWith(
    `${flatSchemaSql(hal9Definition)} DROP TABLE flat_config; ${serverSchemaSql} DROP TABLE memories;`,
  );

  const fault = await source.inspect().catch((error: unknown) => error);

  expect(fault).toMatchObject({ name: 'SourceRejected' });
  expect(String(fault)).toMatch(/of the canonical schema, without flat_config/);
  expect(String(fault)).toMatch(/users.* of the server schema, without api_keys, memories/);
});

test('a store with no table of ours is refused with what it could have been', async () => {
  const { source } = storeWith('CREATE TABLE songs (id TEXT PRIMARY KEY)');

  await expect(source.inspect()).rejects.toThrow(
    /no table of the canonical schema .* no table of the server schema/,
  );
});

test('records of an absent table are none: nothing to copy, nothing to read, nothing to write', async () => {
  const { source, config } = storeWith(serverSchemaSql);
  await source.installChangeLog();
  const key = { recordType: 'api-key', id: 'k1' };
  const ranges: unknown[] = [];
  for await (const range of source.planRanges('api-key', 100)) ranges.push(range);
  const records = openFlatRecords(config, hal9Migration);
  onTestFinished(() => records.close());

  const page = await source.readRange('api-key', { after: null, upTo: null }, 10);
  const [image] = (await source.readCurrent('user-sessions', [key])).images;
  const write = records.write('user-sessions', key, { id: 'k1' }, 1);

  expect(ranges).toEqual([]);
  expect(page).toMatchObject({ images: [], nextAfter: null });
  expect(image).toMatchObject({ row: null });
  expect(await source.countRows('api-key')).toBe(0);
  await expect(write).rejects.toMatchObject({ name: 'TableAbsent' });
});

test('a table that comes later is logged from its first row, as is what it held before anybody looked', async () => {
  const { database, source } = storeWith(serverSchemaSql);
  await source.installChangeLog();
  const { sequence } = await source.lowWatermark('user-sessions');

  database.exec(`CREATE TABLE api_keys (id TEXT PRIMARY KEY NOT NULL, user_id TEXT NOT NULL, name TEXT NOT NULL,
    key_hash TEXT NOT NULL, permissions TEXT, is_active INTEGER, created_at INTEGER, expires_at INTEGER);
    INSERT INTO api_keys VALUES ('k1', 'u1', 'ci', 'h1', '[]', 1, 1749404289, NULL)`);
  await source.lowWatermark('user-sessions');
  database.exec("INSERT INTO api_keys VALUES ('k2', 'u1', 'cd', 'h2', '[]', 1, 1749404289, NULL)");
  const { images } = await source.readChanges('user-sessions', sequence, 100);

  expect(images.map(({ key }) => key.id)).toEqual(['k1', 'k2']);
});

test('a table that was there and is gone is no empty one', async () => {
  const { database, source } = storeWith(serverSchemaSql);
  await source.installChangeLog();

  database.exec('DROP TABLE memories');

  await expect(source.lowWatermark('learning-data')).rejects.toMatchObject({
    name: 'SourceRejected',
    facts: { faults: ['table memories is missing, which was there when the migration began'] },
  });
});

test('a hierarchical write that has no table in flat keeps flat from taking over until it is gone', async () => {
  const { source } = storeWith(serverSchemaSql);
  const category = 'user-sessions';
  const key = { recordType: 'api-key', id: 'k1' };
  await source.installChangeLog();
  await source.fence(category, 1);
  await source.follow(category, 2);

  const written = await source.applyReverse(category, [
    { key, version: { epoch: 2, sequence: 1 }, row: { id: 'k1' } },
  ]);

  expect(written).toEqual(['applied']);
  await expect(source.open(category, 3)).rejects.toMatchObject({ name: 'ReverseConflict' });

  await source.applyReverse(category, [{ key, version: { epoch: 2, sequence: 2 }, row: null }]);

  expect(await source.open(category, 3)).toBe(true);
});

test('every row of a generated server store converts and comes back into its own columns', async () => {
  const path = join(temporaryDirectory(), 'server.sqlite');
  const store = await generateStore({ path, records: 2_000, seed: 5, schema: 'server' });
  const source = openFlatSource({ kind: 'sqlite', path }, hal9Migration);
  onTestFinished(() => source.close());
  let seen = 0;

  for (const recordType of Object.keys(store.counts)) {
    const { transform } = tableOf(hal9Migration, recordType);
    const { images } = await source.readRange(recordType, { after: null, upTo: null }, 2_000);
    for (const { row } of images) {
      const conversion = transform.convert(row ?? {}, { nowMs });
      if (conversion.kind === 'rejected') throw new Error(conversion.message);
      const restored = transform.restore(parseExactJson(canonicalJson(conversion.record.body)));
      expect(encodeRow(withoutNulls(restored))).toBe(encodeRow(withoutNulls(row ?? {})));
      expect(Object.keys(row ?? {})).toEqual(expect.arrayContaining(Object.keys(restored)));
      seen += 1;
    }
  }

  expect(seen).toBe(2_000);
});

test.each([1, 8, 50, 999, 20_000])('%d records of a server store are exactly that many', (records) => {
  const { counts } = planServerGeneration({ records, seed: 1 });

  expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(records);
});
