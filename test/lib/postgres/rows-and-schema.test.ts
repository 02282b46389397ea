import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { encodeKey } from '../../../lib/migration/key.ts';
import type { ColumnDefinition, MigrationDefinition } from '../../../lib/migration/definition.ts';
import { startPostgres, type RunningPostgres } from '../../../local/postgres/start-postgres.ts';
import { smallDefinition } from '../../simulation/definition.ts';
import { makeFlatDatabase, untilWaiting, type FlatDatabase } from './flat-database.ts';

const column = (name: string, storage: ColumnDefinition['storage']): ColumnDefinition => ({
  name,
  storage,
  nullable: true,
});

/** One table with a column of each kind, and a key of a UUID, an integer and a text. */
const wide: MigrationDefinition = {
  name: 'wide',
  tables: [
    {
      ...smallDefinition.tables[0]!,
      recordType: 'thing',
      table: 'Things',
      keyColumns: ['uid', 'number', 'name'],
      columns: [
        column('uid', 'text'),
        column('number', 'integer'),
        column('name', 'text'),
        column('big', 'integer'),
        column('flag', 'integer'),
        column('exact', 'text'),
        column('double', 'real'),
        column('single', 'real'),
        column('bytes', 'blob'),
        column('instant', 'any'),
        column('local', 'text'),
        column('document', 'text'),
        column('whatever', 'any'),
      ],
    },
  ],
};

const ddl = `CREATE TABLE "Things" (uid uuid, number integer, name varchar(40), big bigint, flag boolean, exact numeric,
  "double" float8, single float4, bytes bytea, instant timestamptz, local timestamp, document jsonb, whatever json,
  twice bigint GENERATED ALWAYS AS (number * 2) STORED, PRIMARY KEY (uid, number, name));`;

const uid = '0a1b2c3d-0000-4000-8000-00000000000f';
const parts = [uid, -7n, 'ü|%# 𝄞'] as const;
const key = { recordType: 'thing', id: encodeKey(parts) };
const category = smallDefinition.tables[0]!.category;

const change = (id: string, sequence: number, payload: string) => ({
  key: { recordType: 'session', id },
  version: { epoch: 2, sequence },
  row: { id, payload },
});

describe('rows of PostgreSQL', () => {
  let server: RunningPostgres;
  let database: FlatDatabase;
  let client: pg.Client;
  beforeAll(async () => {
    server = await startPostgres(14);
  });
  afterAll(() => server.stop());
  afterEach(() => database.stop());

  describe('of every kind', () => {
    beforeEach(async () => {
      database = await makeFlatDatabase(server, wide, ddl);
      client = await database.connect();
      await database.source.installChangeLog();
    });

    const row = {
      uid,
      number: -7n,
      name: parts[2],
      big: -9_223_372_036_854_775_808n,
      flag: 1n,
      exact: '12345678901234567890.1230',
      double: 5e-324,
      single: Math.fround(0.1),
      bytes: new Uint8Array([0, 255, 10]),
      instant: '2024-02-29T23:59:59.123456Z',
      local: '2024-02-29 23:59:59.1',
      document: '{"a": [1, 2.50]}',
      whatever: 'plain "text"',
    };

    it('come back exactly as they were written', async () => {
      await database.records.write(category, key, row, 1);

      expect((await database.records.read(category, key)).row).toEqual(row);
      const page = await database.source.readRange('thing', { after: null, upTo: parts }, 10);
      expect(page.images.map((image) => image.row)).toEqual([row]);
      expect(page.images[0]!.keyParts).toEqual(parts);
    });

    it.each([
      -0,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      1.7976931348623157e308,
      2 ** 53 + 2,
      0.1 + 0.2,
    ])('hold the double %d', async (double) => {
      await database.records.write(category, key, { ...row, double }, 1);

      const { row: found } = await database.records.read(category, key);
      expect(found!['double']).toBe(double);
    });

    it.each([1n, 9_007_199_254_740_993n, 1.5, 2, -0, 'text', '1', null])(
      'hold %s in a column of any storage class',
      async (whatever) => {
        await database.records.write(category, key, { ...row, whatever }, 1);

        const { row: found } = await database.records.read(category, key);
        expect(found!['whatever']).toBe(whatever);
      },
    );

    it.each([
      ['U+0000', { name: 'a\0' }],
      ['a lone surrogate', { document: '"\uD800"' }],
      ['a text that is too long', { name: 'x'.repeat(41) }],
      ['an integer that is too large', { big: 2n ** 63n }],
      ['no JSON', { document: '{' }],
    ])('are refused with %s, and nothing is written', async (_name, change) => {
      const changed = { ...row, ...change };
      const id = encodeKey([changed.uid, changed.number, changed.name]);

      await expect(database.records.write(category, { ...key, id }, changed, 1)).rejects.toMatchObject({
        name: 'RowConflict',
      });
      expect(await database.source.countRows('thing')).toBe(0);
    });

    it('are absent under keys that no row of theirs can have', async () => {
      const impossible = [
        ['no uuid', 1n, 'a'],
        [uid, 'text', 'a'],
        [uid, 2n ** 70n, 'a'],
        [uid, 1n, 'a\0'],
      ] as const;

      const { images } = await database.source.readCurrent(
        category,
        impossible.map((each) => ({ recordType: 'thing', id: encodeKey(each) })),
      );

      expect(images.map((image) => image.row)).toEqual([null, null, null, null]);
    });

    it('are found by the keys that a legacy writer gave them', async () => {
      await client.query(`INSERT INTO "Things" (uid, number, name) VALUES (upper($1)::uuid, -7, $2)`, [
        uid,
        parts[2],
      ]);

      const { images } = await database.source.readChanges(category, 0, 10);

      expect(images.map((image) => image.key)).toEqual([key]);
    });
  });

  describe('whose schema changes', () => {
    beforeEach(async () => {
      database = await makeFlatDatabase(server);
      client = await database.connect();
      await database.source.installChangeLog();
      await client.query("INSERT INTO sessions VALUES ('a', 'x'), ('b', 'y')");
    });

    it.each([
      ['a new column', 'ALTER TABLE sessions ADD extra integer DEFAULT 7'],
      [
        'a lost trigger',
        'DROP TRIGGER _mig_session_change ON sessions; UPDATE sessions SET payload = payload',
      ],
      [
        'a disabled trigger',
        'ALTER TABLE sessions DISABLE TRIGGER ALL; UPDATE sessions SET payload = payload',
      ],
      ['another type', 'ALTER TABLE sessions ALTER payload TYPE varchar(90)'],
    ])('are logged again after %s, since nobody recorded it', async (_name, change) => {
      const { source } = database;
      const { throughSequence } = await source.readChanges(category, 0, 10);

      await client.query(change);
      const wasInstalled = await source.isChangeLogInstalled();
      const { images } = await source.readChanges(category, throughSequence, 10);

      expect(wasInstalled).toBe(false);
      expect(images.map((image) => image.key.id).toSorted()).toEqual(['a', 'b']);
      expect(await source.isChangeLogInstalled()).toBe(true);
      await client.query("INSERT INTO sessions VALUES ('c', 'z')");
      const later = await source.readChanges(category, throughSequence, 10);
      expect(later.images.map((image) => image.key.id).toSorted()).toEqual(['a', 'b', 'c']);
    });

    it('never look like an empty table while it is being rewritten', async () => {
      await client.query(
        'BEGIN; ALTER TABLE sessions ALTER payload TYPE varchar(90), ADD at timestamptz DEFAULT clock_timestamp()',
      );
      const reading = database.source.readRange('session', { after: null, upTo: null }, 10);
      await untilWaiting(await database.connect());
      await client.query('COMMIT');

      expect((await reading).images).toHaveLength(2);
    });

    it('are refused when a column that is migrated is gone', async () => {
      await client.query('ALTER TABLE sessions DROP payload');

      await expect(
        database.source.readRange('session', { after: null, upTo: null }, 10),
      ).rejects.toMatchObject({
        name: 'SourceRejected',
        message: expect.stringContaining('column sessions.payload is missing') as string,
      });
    });

    it('are all logged again when somebody dropped the log, with sequences beyond all that were given', async () => {
      const before = await database.source.lowWatermark(category);
      await client.query('DROP TABLE _mig_log');

      const { images } = await database.source.readChanges(category, before.sequence, 10);

      expect(images.map((image) => image.key.id).toSorted()).toEqual(['a', 'b']);
      expect(images.every((image) => image.version!.sequence > before.sequence)).toBe(true);
    });
  });

  it('that come from the other side set nothing off, give way by unique values, and are logged when flat is back', async () => {
    database = await makeFlatDatabase(server);
    client = await database.connect();
    const { source } = database;
    await client.query(`ALTER TABLE sessions ADD UNIQUE (payload);
      CREATE TABLE copied (id text);
      CREATE FUNCTION copy() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO copied VALUES (NEW.id); RETURN NULL; END';
      CREATE TRIGGER copying AFTER INSERT ON sessions FOR EACH ROW EXECUTE FUNCTION copy();
      INSERT INTO sessions VALUES ('a', 'one')`);
    await source.installChangeLog();
    await source.fence(category, 1);
    await source.follow(category, 2);

    expect(await source.applyReverse(category, [change('b', 1, 'one')])).toEqual(['applied']);
    await expect(source.requireFitting(category)).rejects.toMatchObject({ name: 'ReverseConflict' });
    await expect(source.open(category, 3)).rejects.toMatchObject({ name: 'ReverseConflict' });
    await source.applyReverse(category, [change('a', 2, 'two')]);
    const { sequence } = await source.lowWatermark(category);
    expect(await source.open(category, 3)).toBe(true);

    const { rows } = await client.query('SELECT * FROM copied');
    expect(rows).toEqual([{ id: 'a' }]);
    const { images } = await source.readChanges(category, sequence, 10);
    expect(
      images
        .map((image) => ({ id: image.key.id, row: image.row, epoch: image.version!.epoch }))
        .toSorted((left, right) => (left.id < right.id ? -1 : 1)),
    ).toEqual([
      { id: 'a', row: { id: 'a', payload: 'two' }, epoch: 3 },
      { id: 'b', row: { id: 'b', payload: 'one' }, epoch: 3 },
    ]);
    await expect(client.query("INSERT INTO sessions VALUES ('c', 'three')")).resolves.toBeDefined();
  });
});
