import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { inMapping } from '../../../lib/migration/source-mapping.ts';
import { hal9Migration } from '../../../lib/migration/hal9-definition.ts';
import { encodeKey } from '../../../lib/migration/key.ts';
import type { FlatSource } from '../../../lib/migration/ports.ts';
import { openPostgresWriter, targetOfUrl } from '../../../lib/postgres/open-store.ts';
import { startPostgres, type RunningPostgres } from '../../../local/postgres/start-postgres.ts';
import { serverSchemaInPostgres } from '../../support/postgres-server-schema.ts';
import { makeFlatDatabase, type FlatDatabase } from './flat-database.ts';

const category = 'neuron-states';
const server = inMapping(hal9Migration, 'server');

const id = (at: number): string => `00000000-0000-4000-8000-${String(at).padStart(12, '0')}`;
const key = (at: number, instant: string) => ({
  recordType: 'server-signal',
  id: encodeKey([id(at), instant]),
});
const row = (at: number, timestamp: string, content: string) => ({
  id: id(at),
  from_neuron: id(900),
  to_neuron: id(901),
  content,
  timestamp,
});
const change = (at: number, timestamp: string, sequence: number, content: string | null) => ({
  key: key(at, timestamp),
  version: { epoch: 2, sequence },
  row: content === null ? null : row(at, timestamp, content),
});
const insert = (at: number, instant: string): string =>
  `INSERT INTO signals (id, from_neuron, to_neuron, content, "timestamp")
   VALUES ('${id(at)}', '${id(900)}', '${id(901)}', 'signal ${at}', '${instant}')`;

describe.each([14, 18] as const)(
  'the store of a running server in PostgreSQL %i, signals in partitions',
  (major) => {
    let running: RunningPostgres;
    let database: FlatDatabase;
    let source: FlatSource;
    let client: pg.Client;
    beforeAll(async () => {
      running = await startPostgres(major);
    });
    afterAll(() => running.stop());
    beforeEach(async () => {
      database = await makeFlatDatabase(running, server, serverSchemaInPostgres);
      ({ source } = database);
      client = await database.connect();
      // A writer anywhere in the world.
      await client.query("SET TimeZone TO 'Asia/Kathmandu'; SET DateStyle TO 'SQL, DMY'");
    });
    afterEach(() => database.stop());

    const changed = async (after = 0) => {
      const { images, throughSequence } = await source.readChanges(category, after, 1000);
      return { ids: images.map((image) => image.key.id).toSorted(), images, throughSequence };
    };
    const allKeys = async (limit: number): Promise<readonly string[]> => {
      const ids: string[] = [];
      for (let after: readonly (string | bigint)[] | null = null; ;) {
        const page: Awaited<ReturnType<FlatSource['readRange']>> = await source.readRange(
          'server-signal',
          { after, upTo: null },
          limit,
        );
        ids.push(...page.images.map((image) => image.key.id));
        if (page.nextAfter === null) return ids;
        after = page.nextAfter;
      }
    };

    it('is recognised, with the tables that it does not have', async () => {
      const reports = await source.inspect();

      expect(new Set(reports.map(({ mapping }) => mapping))).toEqual(new Set(['server']));
      expect(reports.filter(({ absent }) => absent).map(({ table }) => table)).toEqual(['api_keys']);
    });

    it('is read in key order across its partitions, each key once, whatever the size of the pages', async () => {
      for (let at = 0; at < 30; at += 1) {
        await client.query(insert(at % 15, `2025-0${(at % 3) + 1}-1${at % 10} 00:00:00.${at}+00`));
      }
      await client.query(insert(99, '2031-01-01T00:00:00Z'));
      const ranges = [];
      for await (const range of source.planRanges('server-signal', 7)) ranges.push(range);
      const covered: string[] = [];
      for (const range of ranges) {
        const { images } = await source.readRange('server-signal', range, 100);
        covered.push(...images.map((image) => image.key.id));
      }

      const keys = await allKeys(4);

      expect(keys).toHaveLength(31);
      expect(keys).toEqual(keys.toSorted());
      expect(keys).toEqual(await allKeys(100));
      expect(covered).toEqual(keys);
      expect(ranges).toHaveLength(5);
    });

    it('logs every change with the key in one spelling, moves between partitions included', async () => {
      await source.installChangeLog();
      await client.query(insert(1, '2025-01-05 12:00:00.500+00'));
      await client.query(`UPDATE signals SET content = 'again' WHERE id = '${id(1)}'`);
      const first = await changed();
      await client.query(`UPDATE signals SET "timestamp" = '2025-03-05 12:00:00+00' WHERE id = '${id(1)}'`);
      const moved = await changed(first.throughSequence);
      await client.query(`DELETE FROM signals WHERE id = '${id(1)}'`);
      const deleted = await changed(moved.throughSequence);

      const [before, after] = [key(1, '2025-01-05T12:00:00.5Z'), key(1, '2025-03-05T12:00:00Z')];
      expect(first.images).toMatchObject([{ key: before, row: { content: 'again' } }]);
      expect(moved.images.find((image) => image.key.id === before.id)).toMatchObject({ row: null });
      expect(moved.images.find((image) => image.key.id === after.id)).toMatchObject({
        row: { content: 'again' },
      });
      expect(deleted.images).toMatchObject([{ key: after, row: null }]);
    });

    it('gives what is read by range and by key the version of its last change', async () => {
      await source.installChangeLog();
      await client.query(insert(1, '2025-02-05 12:00:00+00'));
      const { sequence } = await source.lowWatermark(category);

      const { images } = await source.readRange('server-signal', { after: null, upTo: null }, 10);
      const current = await source.readCurrent(category, [key(1, '2025-02-05T12:00:00Z'), key(1, 'never')]);

      expect(images).toMatchObject([{ version: { epoch: 1, sequence } }]);
      expect(current.images).toMatchObject([
        { version: { epoch: 1, sequence } },
        { row: null, version: null },
      ]);
    });

    describe('when a partition', () => {
      beforeEach(async () => {
        await source.installChangeLog();
        await client.query(insert(1, '2025-01-05 12:00:00+00'));
      });

      it('is created in the middle, logs what comes into it before anybody looks', async () => {
        const { throughSequence } = await changed();
        await client.query(`CREATE TABLE signals_2025_04 PARTITION OF signals
        FOR VALUES FROM ('2025-04-01 00:00:00+00') TO ('2025-05-01 00:00:00+00')`);
        await client.query(insert(2, '2025-04-05 12:00:00+00'));
        await client.query(`DELETE FROM signals WHERE id = '${id(2)}'`);
        await client.query(insert(3, '2025-04-05 12:00:00+00'));

        expect((await changed(throughSequence)).ids).toEqual(
          [key(2, '2025-04-05T12:00:00Z').id, key(3, '2025-04-05T12:00:00Z').id].toSorted(),
        );
        await client.query('TRUNCATE signals_2025_04');
        const emptied = await changed((await changed()).throughSequence - 1);
        expect(emptied.images).toMatchObject([{ key: key(3, '2025-04-05T12:00:00Z'), row: null }]);
      });

      it('is attached with rows in it, logs these rows and no others', async () => {
        const { throughSequence } = await changed();
        await client.query(`CREATE TABLE signals_2025_04 (LIKE signals INCLUDING ALL);
        ${insert(4, '2025-04-06 12:00:00+00').replace('signals', 'signals_2025_04')};
        ALTER TABLE signals ATTACH PARTITION signals_2025_04
        FOR VALUES FROM ('2025-04-01 00:00:00+00') TO ('2025-05-01 00:00:00+00')`);

        expect((await changed(throughSequence)).ids).toEqual([key(4, '2025-04-06T12:00:00Z').id]);
      });

      it.each(['ALTER TABLE signals DETACH PARTITION signals_2025_01', 'DROP TABLE signals_2025_01'])(
        'goes away (%s), logs its keys as deleted',
        async (ddl) => {
          const { throughSequence } = await changed();
          await client.query(ddl);

          expect((await changed(throughSequence)).images).toMatchObject([
            { key: key(1, '2025-01-05T12:00:00Z'), row: null },
          ]);
        },
      );

      it('has its triggers switched off, logs every row again', async () => {
        await client.query(insert(2, '2025-02-05 12:00:00+00'));
        const { throughSequence } = await changed();
        await client.query(`ALTER TABLE signals_2025_01 DISABLE TRIGGER ALL;
        UPDATE signals SET content = 'unseen' WHERE id = '${id(1)}'`);

        expect((await changed(throughSequence)).ids).toHaveLength(2);
      });

      it('is emptied, alone or with the others, logs each key', async () => {
        const { throughSequence } = await changed();
        await client.query('TRUNCATE signals_2025_01');
        const alone = await changed(throughSequence);
        await client.query(insert(2, '2025-02-05 12:00:00+00'));
        const between = await changed(alone.throughSequence);
        await client.query('TRUNCATE signals');

        expect(alone.images).toMatchObject([{ key: key(1, '2025-01-05T12:00:00Z'), row: null }]);
        expect((await changed(between.throughSequence)).images).toMatchObject([
          { key: key(2, '2025-02-05T12:00:00Z'), row: null },
        ]);
      });
    });

    it('refuses writers of every partition at a fence, those that came later included', async () => {
      await source.installChangeLog();
      await source.fence(category, 1);
      await client.query(`CREATE TABLE signals_2025_04 PARTITION OF signals
      FOR VALUES FROM ('2025-04-01 00:00:00+00') TO ('2025-05-01 00:00:00+00')`);

      for (const table of ['signals', 'signals_2025_04']) {
        await expect(
          client.query(insert(5, '2025-04-06 12:00:00+00').replace('signals', table)),
        ).rejects.toThrow('is fenced');
      }
    });

    it('takes changes of the other side, and keeps aside what no partition has room for', async () => {
      await source.installChangeLog();
      await client.query(insert(1, '2025-01-05 12:00:00+00'));
      await client.query('DROP TABLE signals_default');
      await source.fence(category, 1);
      await source.follow(category, 2);

      const outcomes = await source.applyReverse(category, [
        change(1, '2025-01-05T12:00:00Z', 1, 'from the other side'),
        change(2, '2025-02-05T12:00:00.25Z', 1, 'new'),
        change(3, '2040-01-01T00:00:00Z', 1, 'no partition'),
      ]);

      expect(outcomes).toEqual(['applied', 'applied', 'applied']);
      expect(await source.applyReverse(category, [change(2, '2025-02-05T12:00:00.25Z', 1, 'again')])).toEqual(
        ['already-newer'],
      );
      await expect(source.requireFitting(category)).rejects.toMatchObject({ name: 'ReverseConflict' });
      await source.applyReverse(category, [change(3, '2040-01-01T00:00:00Z', 2, null)]);
      const { sequence } = await source.lowWatermark(category);
      expect(await source.open(category, 3)).toBe(true);
      const { images } = await changed(sequence);
      expect(new Set(images.map((image) => image.row?.['content'] ?? null))).toEqual(
        new Set(['from the other side', 'new', null]),
      );
      expect(images.every((image) => image.version?.epoch === 3)).toBe(true);
    });

    it('takes conditional writes of a restore at the version that was read', async () => {
      await source.installChangeLog();
      await client.query(insert(1, '2025-01-05 12:00:00+00'));
      const at = key(1, '2025-01-05T12:00:00Z');
      const [image] = (await source.readCurrent(category, [at])).images;
      const writer = openPostgresWriter(targetOfUrl(database.url, 'public'), server);
      const restored = { ...image!.row!, content: 'restored' };

      const written = await writer.writeIf(
        { category, key: at, row: restored },
        { epoch: 1, version: image!.version },
      );

      expect(written).toMatchObject({ kind: 'written' });
      expect((await source.readCurrent(category, [at])).images).toMatchObject([
        { row: { content: 'restored' } },
      ]);
    });
  },
);
