import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { heldLogPercent } from '../../../lib/migration/held-log.ts';
import { encodeKey } from '../../../lib/migration/key.ts';
import type { FlatSource, SourceImage } from '../../../lib/migration/ports.ts';
import { openDatabase } from '../../../lib/postgres/connection.ts';
import { removeChangeLog } from '../../../lib/postgres/install-change-log.ts';
import { openPostgresSource, targetOfUrl } from '../../../lib/postgres/open-store.ts';
import {
  startPostgres,
  type PostgresMajor,
  type RunningPostgres,
} from '../../../local/postgres/start-postgres.ts';
import { smallDefinition } from '../../simulation/definition.ts';
import { makeFlatDatabase, untilWaiting, type FlatDatabase } from './flat-database.ts';

const category = 'user-sessions';
const key = (id: string) => ({ recordType: 'session', id: encodeKey([id]) });
const put = (id: string, payload: string): string =>
  `INSERT INTO sessions VALUES ('${id}', '${payload}') ON CONFLICT (id) DO UPDATE SET payload = excluded.payload`;

const fill = (client: pg.Client) =>
  client.query("INSERT INTO sessions SELECT 'k' || n, repeat('x', 1000) FROM generate_series(1, 3000) n");

const untilNumber = async (client: pg.Client, sql: string, expected: number): Promise<void> => {
  await expect
    .poll(async () => Number((await client.query<{ n: string }>(sql)).rows[0]?.n), {
      interval: 20,
      timeout: 30_000,
    })
    .toBe(expected);
};

describe.each([14, 18] as const)('a change log that is decoded, in PostgreSQL %i', (major: PostgresMajor) => {
  let server: RunningPostgres;
  let database: FlatDatabase;
  let source: FlatSource;
  let one: pg.Client;
  let other: pg.Client;
  beforeAll(async () => {
    server = await startPostgres(major, 'logical');
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    database = await makeFlatDatabase(server);
    ({ source } = database);
    [one, other] = [await database.connect(), await database.connect()];
    await source.installChangeLog();
  });
  afterEach(async () => {
    // A server has few slots.
    const plain = openDatabase({ ...targetOfUrl(database.url, 'public'), maxConnections: 1 });
    await removeChangeLog(plain, smallDefinition);
    await plain.close();
    await database.stop();
  });

  const current = async (id: string): Promise<SourceImage> =>
    (await source.readCurrent(category, [key(id)])).images[0]!;
  const changed = async (after: number) => {
    const page = await source.readChanges(category, after, 100);
    return { ids: page.images.map((image) => image.key.id), through: page.throughSequence };
  };
  const entries = async (): Promise<number> => {
    const { rows } = await one.query<{ n: string }>('SELECT count(*) AS n FROM _mig_log');
    return Number(rows[0]!.n);
  };

  it('is in the order of the commits, and no long transaction holds up the others', async () => {
    await one.query('BEGIN');
    await one.query(put('slow', 'x'));
    await other.query(put('fast', 'x'));

    const meanwhile = await changed(0);
    await one.query('COMMIT');
    const afterwards = await changed(meanwhile.through);

    expect([meanwhile.ids, afterwards.ids]).toEqual([['fast'], ['slow']]);
    expect((await current('slow')).version!.sequence).toBeGreaterThan(
      (await current('fast')).version!.sequence,
    );
  });

  it('has each change once, whoever decodes, and however often a decoder fails before its commit', async () => {
    await one.query(put('a', '1'));
    for (let failure = 0; failure < 3; failure += 1) {
      await other.query('BEGIN; SELECT _mig_decode(pg_current_wal_insert_lsn()); ROLLBACK');
    }
    await one.query(put('b', '1'));
    const sources = [source, database.openSource(), database.openSource()];

    const pages = await Promise.all(
      sources.flatMap((each) => [each, each]).map((each) => each.readChanges(category, 0, 100)),
    );

    for (const page of pages) expect(page.entryCount).toBe(2);
    expect(await entries()).toBe(2);
  });

  it('has nothing of what was rolled back, wholly or to a savepoint', async () => {
    await one.query('BEGIN');
    await one.query(put('kept', 'x'));
    await one.query('SAVEPOINT s');
    await one.query(put('dropped', 'x'));
    await one.query('ROLLBACK TO SAVEPOINT s; COMMIT; BEGIN');
    await one.query(put('dropped', 'x'));
    await one.query('ROLLBACK');

    expect((await changed(0)).ids).toEqual(['kept']);
  });

  it('includes at a fence what was committed without waiting for the disk', async () => {
    await one.query('SET synchronous_commit TO off');
    for (let at = 0; at < 5; at += 1) await one.query(put('a', String(at)));

    const fence = await source.fence(category, 1);

    const { version, row } = await current('a');
    expect(row).toEqual({ id: 'a', payload: '4' });
    expect(fence).toEqual({ fenced: true, last: version });
    expect(await entries()).toBe(5);
  });

  it('does not pass a commit that is in the write-ahead log and that nobody can see yet', async () => {
    const name = new URL(database.url).pathname.slice(1);
    await one.query(`ALTER DATABASE ${name} SET synchronous_commit TO local`);
    await one.query("ALTER SYSTEM SET synchronous_standby_names TO 'nobody'");
    await one.query('SELECT pg_reload_conf()');
    const hanging = await database.connect();
    await untilNumber(
      other,
      "SELECT count(*) AS n FROM pg_settings WHERE name = 'synchronous_standby_names' AND setting = 'nobody'",
      1,
    );
    await hanging.query('SET synchronous_commit TO on');
    const commit = hanging.query(put('unseen', 'x')).catch(() => undefined);
    await untilNumber(other, "SELECT count(*) AS n FROM pg_stat_activity WHERE wait_event = 'SyncRep'", 1);
    const late = await database.connect();
    await late.query(put('seen', 'x'));
    await source.close();
    source = database.openSource();

    const before = await changed(0);
    const present = await current('seen');
    await one.query('ALTER SYSTEM RESET synchronous_standby_names');
    await one.query('SELECT pg_reload_conf()');
    await commit;
    const after = await changed(before.through);

    expect(before).toEqual({ ids: [], through: 0 });
    expect(present.version!.sequence).toBe(2);
    expect(after.ids.toSorted()).toEqual(['seen', 'unseen']);
  });

  it('stamps what nobody changed below every change that its snapshot does not show', async () => {
    await one.query('ALTER TABLE notes DISABLE TRIGGER ALL');
    await one.query("INSERT INTO notes VALUES ('old', 'x')");
    await one.query(`ALTER TABLE notes ENABLE ALWAYS TRIGGER "_mig_note_change";
      ALTER TABLE notes ENABLE ALWAYS TRIGGER "_mig_note_truncate"`);
    await one.query('BEGIN');
    await one.query("DELETE FROM notes WHERE id = 'old'");
    await other.query("INSERT INTO notes VALUES ('new', 'x')");

    const page = await source.readRange('note', { after: null, upTo: null }, 10);
    await one.query('COMMIT');

    const { images } = await source.readCurrent('metadata', [{ recordType: 'note', id: 'old' }]);
    expect(page.images.find((image) => image.key.id === 'old')).toMatchObject({ version: null });
    expect(images[0]).toMatchObject({ row: null });
    expect(images[0]!.version!.sequence).toBeGreaterThan(page.lowWatermark.sequence);
  });

  describe('holds the write-ahead log until it is read', () => {
    it('says how much that is, and lets go of what was read', async () => {
      const empty = await source.heldLog!();
      await fill(one);
      const full = await source.heldLog!();
      // The position that the server remembers moves with its checkpoints.
      await one.query('CHECKPOINT');
      await source.lowWatermark(category);
      await one.query('CHECKPOINT');
      await one.query(put('a', 'x'));
      await source.lowWatermark(category);
      await one.query(put('b', 'x'));
      await source.lowWatermark(category);

      expect(full!.heldBytes - empty!.heldBytes).toBeGreaterThan(3_000_000);
      expect((await source.heldLog!())!.heldBytes).toBeLessThan(full!.heldBytes);
      expect(full).toMatchObject({ roomBytes: null, isLost: false });
    });

    it.each([
      [
        'is dropped',
        async () => {
          await one.query('SELECT pg_drop_replication_slot(slot) FROM _mig_decoding');
        },
      ],
      [
        'is invalidated, for the sake of the disk',
        async () => {
          await one.query("ALTER SYSTEM SET max_slot_wal_keep_size TO '1MB'");
          await one.query('SELECT pg_reload_conf()');
          for (let segment = 0; segment < 3; segment += 1) {
            await fill(one);
            await one.query('TRUNCATE sessions');
            await one.query('SELECT pg_switch_wal()');
          }
          await one.query('CHECKPOINT');
          await one.query('ALTER SYSTEM RESET max_slot_wal_keep_size');
          await one.query('SELECT pg_reload_conf()');
        },
      ],
      [
        'is read by somebody else',
        async () => {
          await one.query(put('stolen', 'x'));
          await one.query(
            'SELECT pg_replication_slot_advance(slot, pg_current_wal_lsn()) FROM _mig_decoding',
          );
        },
      ],
    ])(
      'refuses to go on when its slot %s, and logs everything again when it is prepared anew',
      async (_name, lose) => {
        await one.query(put('a', 'x'));
        const { through } = await changed(0);
        await lose();
        await one.query(put('b', 'x'));

        for (const read of [
          () => source.readChanges(category, through, 10),
          () => source.readRange('session', { after: null, upTo: null }, 10),
          () => source.fence(category, 1),
        ]) {
          await expect(read()).rejects.toMatchObject({
            name: 'ReplicationSlotLost',
            remedy: expect.stringContaining('reconcile --full') as string,
          });
        }
        expect(await source.authority(category).catch((error: unknown) => (error as Error).name)).toBe(
          'ReplicationSlotLost',
        );

        await source.installChangeLog();

        const { ids } = await changed(through);
        expect(ids).toEqual(expect.arrayContaining(['b']));
        expect(
          (await source.readChanges(category, through, 20_000)).images.map((image) => image.key.id),
        ).toEqual(expect.arrayContaining(['a', 'b']));
        expect((await source.heldLog!())!.isLost).toBe(false);
      },
    );

    it('says how much room is left where the server limits it', async () => {
      await one.query("ALTER SYSTEM SET max_slot_wal_keep_size TO '64MB'");
      await one.query('SELECT pg_reload_conf()');
      await untilNumber(
        other,
        "SELECT count(*) AS n FROM pg_settings WHERE name = 'max_slot_wal_keep_size' AND setting = '64'",
        1,
      );
      const before = await source.heldLog!();
      await fill(one);
      const after = await source.heldLog!();
      await one.query('ALTER SYSTEM RESET max_slot_wal_keep_size');
      await one.query('SELECT pg_reload_conf()');

      expect(before!.roomBytes! - after!.roomBytes!).toBeGreaterThan(3_000_000);
      expect(heldLogPercent(after!)).toBeGreaterThan(heldLogPercent(before!));
    });

    it('remembers where deletions may be unlogged, until a comparison that began later is over', async () => {
      const begunBefore = (await source.lowWatermark(category)).sequence;
      expect(await source.logGap!(category)).toBeNull();
      await one.query('SELECT pg_drop_replication_slot(slot) FROM _mig_decoding');
      await source.installChangeLog();
      const begunAfter = (await source.lowWatermark(category)).sequence;

      await source.closeLogGap!(category, begunBefore);
      const stillOpen = await source.logGap!(category);
      await source.closeLogGap!(category, begunAfter);

      expect(stillOpen).toBeGreaterThan(begunBefore);
      expect(await source.logGap!(category)).toBeNull();
      expect(await source.logGap!('metadata')).not.toBeNull();
    });

    it('can be prepared anew while others read: none of them waits for what they hold up', async () => {
      await one.query('SELECT pg_drop_replication_slot(slot) FROM _mig_decoding');
      const reader = await database.connect();
      await reader.query('BEGIN; LOCK TABLE sessions IN ACCESS SHARE MODE');
      const installing = source.installChangeLog();
      await untilWaiting(other);

      // As a reader does, on its other connection, before it lets go of the tables.
      await one.query("SET lock_timeout TO '200ms'");
      const decoder = one.query('SELECT slot FROM _mig_decoding');
      await expect(decoder).resolves.toMatchObject({ rowCount: 1 });
      await reader.query('COMMIT');

      await expect(installing).resolves.toBeUndefined();
      expect((await source.heldLog!())!.isLost).toBe(false);
    });

    it('has nothing unlogged where flat follows, and goes back to flat after its slot was lost', async () => {
      await one.query(put('a', 'x'));
      await source.fence(category, 1);
      await source.follow(category, 2);
      await one.query('SELECT pg_drop_replication_slot(slot) FROM _mig_decoding');
      const change = { key: key('a'), version: { epoch: 2, sequence: 1 }, row: null };
      await expect(source.open(category, 3)).rejects.toMatchObject({ name: 'ReplicationSlotLost' });

      await source.installChangeLog();

      expect(await source.applyReverse(category, [change])).toEqual(['applied']);
      expect(await source.open(category, 3)).toBe(true);
      expect(await source.logGap!(category)).toBeNull();
      expect((await current('a')).row).toBeNull();
    });
  });

  it('leaves neither slot nor publication behind', async () => {
    const plain = openDatabase({ ...targetOfUrl(database.url, 'public'), maxConnections: 1 });
    await removeChangeLog(plain, smallDefinition);
    await plain.close();

    const { rows } = await one.query(
      "SELECT slot_name::text FROM pg_replication_slots WHERE slot_name LIKE 'hal9%' UNION ALL SELECT pubname FROM pg_publication",
    );
    expect(rows).toEqual([]);
    expect(await source.isChangeLogInstalled()).toBe(false);
  });

  it('is written by triggers instead where the user may have no slot', async () => {
    await one.query(`CREATE ROLE plain LOGIN; CREATE SCHEMA own AUTHORIZATION plain; SET ROLE plain;
      CREATE TABLE own.sessions (id text PRIMARY KEY, payload text);
      CREATE TABLE own.events (stream text, number bigint, payload text, PRIMARY KEY (stream, number));
      CREATE TABLE own.notes (id text PRIMARY KEY, payload text); RESET ROLE`);
    const url = new URL(database.url);
    url.username = 'plain';
    const theirs = openPostgresSource(targetOfUrl(url.href, 'own'), smallDefinition);

    await theirs.installChangeLog();
    await one.query("INSERT INTO own.sessions VALUES ('a', 'x')");

    expect(await theirs.heldLog!()).toBeNull();
    expect((await theirs.readChanges(category, 0, 10)).images).toMatchObject([{ key: key('a') }]);
    await theirs.close();
    await one.query('DROP OWNED BY plain; DROP ROLE plain');
  });
});

it('is written by triggers where the server keeps no logical write-ahead log', async () => {
  const server = await startPostgres(18, 'replica');
  const database = await makeFlatDatabase(server);
  await database.source.installChangeLog();

  expect(await database.source.heldLog!()).toBeNull();

  await database.stop();
  await server.stop();
});
