import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { encodeKey } from '../../../lib/migration/key.ts';
import type { FlatSource, SourceImage } from '../../../lib/migration/ports.ts';
import { startPostgres, type RunningPostgres } from '../../../local/postgres/start-postgres.ts';
import { countedDefinition, makeFlatDatabase, untilWaiting, type FlatDatabase } from './flat-database.ts';

const category = 'user-sessions';
const key = (id: string) => ({ recordType: 'session', id: encodeKey([id]) });
const put = (id: string, payload: string): string =>
  `INSERT INTO sessions VALUES ('${id}', '${payload}') ON CONFLICT (id) DO UPDATE SET payload = excluded.payload`;

describe.each(['replica', 'logical'] as const)('the change log in PostgreSQL, wal_level %s', (walLevel) => {
  let server: RunningPostgres;
  let database: FlatDatabase;
  let source: FlatSource;
  let one: pg.Client;
  let other: pg.Client;
  beforeAll(async () => {
    server = await startPostgres(18, walLevel);
  });
  afterAll(() => server.stop());
  const begin = async (flat: Promise<FlatDatabase>): Promise<void> => {
    database = await flat;
    source = database.source;
    await source.installChangeLog();
    [one, other] = [await database.connect(), await database.connect()];
  };
  beforeEach(() => begin(makeFlatDatabase(server)));
  afterEach(() => database.stop());

  const current = async (id: string, from = source): Promise<SourceImage> => {
    const { images } = await from.readCurrent(category, [key(id)]);
    return images[0]!;
  };
  const changedIds = async (after: number): Promise<{ ids: readonly string[]; through: number }> => {
    const page = await source.readChanges(category, after, 100);
    return { ids: page.images.map((image) => image.key.id).toSorted(), through: page.throughSequence };
  };

  // Where the log is decoded, nobody is held up: `decoding.test.ts`.
  describe.runIf(walLevel === 'replica')('with a transaction that takes long', () => {
    it('never passes its lower sequence', async () => {
      await one.query('BEGIN');
      await one.query(put('slow', 'x'));
      await other.query(put('fast', 'x'));

      const meanwhile = await changedIds(0);
      await one.query('COMMIT');
      const afterwards = await changedIds(meanwhile.through);

      expect(meanwhile).toEqual({ ids: [], through: 0 });
      expect(afterwards.ids).toEqual(['fast', 'slow']);
    });

    it('never passes its lower sequence, even when its transaction number is the higher one', async () => {
      await other.query('BEGIN');
      await other.query("INSERT INTO notes VALUES ('number first', 'x')");
      await one.query('BEGIN');
      await one.query(put('slow', 'x'));
      await other.query(put('fast', 'x'));
      await other.query('COMMIT');

      const meanwhile = await changedIds(0);
      await one.query('COMMIT');

      expect(meanwhile).toEqual({ ids: [], through: 0 });
      expect((await changedIds(0)).ids).toEqual(['fast', 'slow']);
    });

    it('stamps what nobody changed below everything that it will log', async () => {
      await source.close();
      await database.stop();
      await begin(makeFlatDatabase(server));
      await one.query('ALTER TABLE sessions DISABLE TRIGGER ALL');
      await one.query(put('old', 'before'));
      await one.query('ALTER TABLE sessions ENABLE ALWAYS TRIGGER "_mig_session_change"');
      await one.query('ALTER TABLE sessions ENABLE ALWAYS TRIGGER "_mig_session_truncate"');
      await one.query('BEGIN');
      await one.query("DELETE FROM sessions WHERE id = 'old'");
      await other.query(put('fast', 'x'));

      const page = await source.readRange('session', { after: null, upTo: null }, 10);
      await one.query('COMMIT');

      const deleted = await current('old');
      expect(page.images.find((image) => image.key.id === 'old')).toMatchObject({ version: null });
      expect(page.lowWatermark.sequence).toBeLessThan(deleted.version!.sequence);
    });

    it('goes on without it as soon as it is rolled back, wholly or to a savepoint', async () => {
      await one.query('BEGIN; SAVEPOINT a');
      await one.query(put('slow', 'x'));
      await other.query(put('fast', 'x'));
      expect((await changedIds(0)).ids).toEqual([]);

      await one.query('ROLLBACK TO SAVEPOINT a');
      expect((await changedIds(0)).ids).toEqual(['fast']);

      await one.query(put('slow', 'again'));
      await other.query(put('faster', 'x'));
      expect((await changedIds(0)).ids).toEqual(['fast']);
      await one.query('ROLLBACK');
      expect((await changedIds(0)).ids).toEqual(['fast', 'faster']);
    });

    it('is not held up by transactions that change other things', async () => {
      await one.query("BEGIN; CREATE TABLE elsewhere (x int); INSERT INTO notes VALUES ('a', 'x')");
      await other.query(put('fast', 'x'));

      expect((await changedIds(0)).ids).toEqual(['fast']);
      await one.query('ROLLBACK');
    });

    it('waits for it when a slice is bounded, since its reader relies on having seen everything', async () => {
      await one.query('BEGIN');
      await one.query(put('slow', 'x'));
      await other.query(put('fast', 'x'));
      const bound = (await current('fast')).version!.sequence;

      const reading = source.readChanges(category, 0, 10, bound);
      const first = await Promise.race([reading, current('fast').then(() => 'still reading')]);
      await one.query('COMMIT');

      expect(first).toBe('still reading');
      expect((await reading).images.map((image) => image.key.id).toSorted()).toEqual(['fast', 'slow']);
    });

    it('never takes back what had settled, although a writer was admitted with an older sequence', async () => {
      await other.query(put('a', 'x'));
      const read = await changedIds(0);
      // What a writer leaves that was stopped between looking at the last sequence and noting it.
      const { rows } = await one.query<{ number: number }>(
        "SELECT prosrc, substring(pg_get_triggerdef(t.oid) from 0 for 0) FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid WHERE tgname = '_mig_session_change'",
      );
      const [, writing] = /'user-sessions', (?:-?\d+), (-?\d+)/.exec(JSON.stringify(rows))!;
      await one.query(`BEGIN; SELECT pg_advisory_xact_lock_shared(${writing}, 0)`);

      expect((await source.lowWatermark(category)).sequence).toBe(read.through);
      const another = database.openSource();
      expect((await another.lowWatermark(category)).sequence).toBe(0);
      await another.readChanges(category, read.through, 10);
      expect((await another.lowWatermark(category)).sequence).toBe(read.through);
      await one.query('ROLLBACK');
    });
  });

  describe('with two writers of one key', () => {
    it('gives the later commit the higher sequence: content is a function of the version', async () => {
      await one.query(put('a', '0'));
      await one.query('BEGIN');
      await one.query("UPDATE sessions SET payload = '1' WHERE id = 'a'");
      const waiting = other.query("UPDATE sessions SET payload = '2' WHERE id = 'a'");
      await untilWaiting(await database.connect());
      await one.query("UPDATE sessions SET payload = '1 again' WHERE id = 'a'");
      const { rows } = await one.query<{ seq: string }>('SELECT max(seq) AS seq FROM _mig_log');
      await one.query('COMMIT');
      await waiting;
      await current('a');

      const last = await current('a');
      expect(last.row).toEqual({ id: 'a', payload: '2' });
      expect(last.version!.sequence).toBeGreaterThan(Number(rows[0]!.seq));
    });

    it('gives a key that was deleted and inserted by two of them the sequences of their commits', async () => {
      await one.query(put('a', '0'));
      await one.query('BEGIN');
      await one.query("DELETE FROM sessions WHERE id = 'a'");
      const waiting = other.query("INSERT INTO sessions VALUES ('a', '2')");
      await untilWaiting(await database.connect());
      await one.query(put('unrelated', 'x'));
      await one.query('COMMIT');
      await waiting;
      await current('a');

      const { rows } = await one.query("SELECT op FROM _mig_log WHERE k1 = 'a' ORDER BY seq");
      expect(rows).toEqual([{ op: 'insert' }, { op: 'delete' }, { op: 'insert' }]);
    });
  });

  describe('of records that count others', () => {
    beforeEach(async () => {
      await database.stop();
      await begin(makeFlatDatabase(server, countedDefinition));
    });

    it('gives each count a sequence of its own, in the order of the commits', async () => {
      await one.query(put('a', 'x'));
      await one.query('BEGIN');
      await one.query("INSERT INTO events VALUES ('a', 1, 'x')");
      const waiting = other.query("INSERT INTO events VALUES ('a', 2, 'x')");
      await untilWaiting(await database.connect());
      await one.query('COMMIT');
      const first = await current('a');
      await waiting;
      const second = await current('a');

      expect(second.row).toEqual({ id: 'a', payload: 'x', 'derived.events': 2n });
      expect(second.version!.sequence).toBeGreaterThan(
        first.row!['derived.events'] === 1n ? first.version!.sequence : 0,
      );
    });

    it('lets a record appear only after those who counted for it while it was not there', async () => {
      await one.query('BEGIN');
      await one.query("INSERT INTO events VALUES ('a', 1, 'x')");
      const waiting = other.query(put('a', 'x'));
      await untilWaiting(await database.connect());
      await one.query('COMMIT');
      await waiting;

      expect(await current('a')).toMatchObject({ row: { 'derived.events': 1n } });
    });

    it('logs them when a table that counts is emptied', async () => {
      await one.query(put('a', 'x'));
      await one.query("INSERT INTO events VALUES ('a', 1, 'x')");
      const before = await current('a');

      await one.query('TRUNCATE events');

      const after = await current('a');
      expect(after.row).toMatchObject({ 'derived.events': 0n });
      expect(after.version!.sequence).toBeGreaterThan(before.version!.sequence);
    });
  });

  it('logs every key of a table that is emptied, and refuses to empty a fenced one', async () => {
    await one.query(put('a', 'x'));
    await one.query(put('b', 'x'));
    const { through } = await changedIds(0);

    await one.query('TRUNCATE sessions');

    expect((await changedIds(through)).ids).toEqual(['a', 'b']);
    expect(await current('a')).toMatchObject({ row: null });
    await source.fence(category, 1);
    await expect(one.query('TRUNCATE sessions')).rejects.toThrow('is fenced');
  });

  it('logs writers that replicate, and what they copy', async () => {
    await one.query('SET session_replication_role = replica');

    await one.query(put('a', 'x'));

    expect((await changedIds(0)).ids).toEqual(['a']);
  });

  it('logs both keys of a row whose key changes', async () => {
    await one.query(put('a', 'x'));
    const { through } = await changedIds(0);

    await one.query("UPDATE sessions SET id = 'b' WHERE id = 'a'");

    expect((await changedIds(through)).ids).toEqual(['a', 'b']);
  });

  it('refuses a key that no store of the target has room for', async () => {
    await expect(one.query(put('x'.repeat(901), 'x'))).rejects.toThrow('hal9-migrate: a key of sessions');
  });

  describe('at a fence', () => {
    it('waits for the writers under way, and counts what they write', async () => {
      await one.query('BEGIN');
      await one.query(put('slow', 'x'));

      const fencing = source.fence(category, 1);
      await untilWaiting(other);
      await one.query('COMMIT');

      const { version } = await current('slow');
      expect(await fencing).toEqual({ fenced: true, last: version });
      await expect(other.query(put('late', 'x'))).rejects.toThrow('is fenced');
    });

    it.each(['READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'])(
      'refuses a %s writer whose transaction began before it',
      async (isolation) => {
        await one.query(`BEGIN ISOLATION LEVEL ${isolation}`);
        await one.query('SELECT * FROM sessions');

        await source.fence(category, 1);

        await expect(one.query(put('late', 'x'))).rejects.toThrow(/is fenced|could not serialize/);
        await one.query('ROLLBACK');
        expect(await source.readChanges(category, 0, 10)).toMatchObject({ entryCount: 0 });
      },
    );

    it('gives up, and fences nothing, when a writer takes too long', async () => {
      await one.query('BEGIN');
      await one.query(put('slow', 'x'));

      await expect(source.fence(category, 1)).rejects.toMatchObject({ name: 'SourceLocked' });

      expect(await source.authority(category)).toEqual({ epoch: 1, state: 'open' });
      await one.query('COMMIT');
    });
  });

  it('loses none of the changes of many writers at once, and gives no version two contents', async () => {
    const writers = await Promise.all(Array.from({ length: 6 }, () => database.connect()));
    const contents = new Map<string, string>();
    const applied = new Map<string, { version: number; content: string }>();
    let writing = true;
    const done = Promise.all(writers.map((client, at) => writeAtRandom(client, at))).then(() => {
      writing = false;
    });
    let cursor = 0;
    for (let isLast = false; !isLast;) {
      isLast = !writing;
      const page = await source.readChanges(category, cursor, 50);
      cursor = page.throughSequence;
      if (page.entryCount > 0) isLast = false;
      for (const image of page.images) {
        const version = image.version!.sequence;
        const content = JSON.stringify(image.row);
        const name = `${image.key.id}@${version}`;
        expect(contents.get(name) ?? content).toBe(content);
        contents.set(name, content);
        if ((applied.get(image.key.id)?.version ?? 0) < version)
          applied.set(image.key.id, { version, content });
      }
    }
    await done;

    const ids = [...applied.keys()];
    const { images } = await source.readCurrent(
      category,
      ids.map((id) => ({ recordType: 'session', id })),
    );
    expect(ids).toHaveLength(8);
    expect(applied).toEqual(
      new Map(
        images.map(({ key, row, version }) => [
          key.id,
          { version: version!.sequence, content: JSON.stringify(row) },
        ]),
      ),
    );
  });
});

/** Transactions of one to three changes of eight keys, some held open for a while, some rolled back. */
async function writeAtRandom(client: pg.Client, seed: number): Promise<void> {
  for (let round = 0; round < 40; round += 1) {
    const keys = new Set([0, 1, 2].map((at) => (seed * 7 + round * (at + 3)) % 8));
    await client.query('BEGIN');
    // In one order, so that writers wait for each other and never in a circle.
    for (const at of [...keys].toSorted((left, right) => left - right)) {
      const isDeleted = (round + at + seed) % 5 === 0;
      await client.query(
        isDeleted ? `DELETE FROM sessions WHERE id = 'k${at}'` : put(`k${at}`, `${seed} ${round}`),
      );
      if (round % 7 === seed) await client.query('SELECT pg_sleep(0.01)');
    }
    await client.query(round % 6 === 5 ? 'ROLLBACK' : 'COMMIT');
  }
  await client.query(put(`k${seed}`, 'last'));
  await client.query(put(`k${(seed + 2) % 8}`, 'last'));
}
