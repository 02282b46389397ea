import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { MigrationDefinition } from '../../lib/migration/definition.ts';
import { encodeKey } from '../../lib/migration/key.ts';
import type { FlatSource, SourceImage } from '../../lib/migration/ports.ts';
import type { FlatRow, RecordKey } from '../../lib/migration/row.ts';
import { smallDefinition } from '../simulation/definition.ts';
import type { FlatAdapter } from './flat-source.ts';

/** The small definition, with rows in its tables that are no records. */
export const queriedDefinition: MigrationDefinition = withWhere(`payload IS NULL OR payload <> 'outside'`);

function withWhere(where: string): MigrationDefinition {
  return { ...smallDefinition, tables: smallDefinition.tables.map((table) => ({ ...table, where })) };
}

/** Rows before, between and behind the records of the other contracts. */
export const outsiders = `
  INSERT INTO sessions VALUES ('', 'outside'), ('a1', 'outside'), ('zz', 'outside');
  INSERT INTO events VALUES ('a', 5, 'outside'), ('zz', 1, 'outside');
  INSERT INTO notes VALUES ('zz', 'outside');
`;

export interface QueriedAdapter extends FlatAdapter {
  /** Statements of a writer that knows nothing of the migration. */
  execute(sql: string): Promise<void>;
  /** Of a row in the table of sessions, record or not. */
  payloadOf(id: string): Promise<unknown>;
  /** A source over the same store with another definition. */
  reopen(definition: MigrationDefinition): FlatSource;
}

const category = 'user-sessions';
const session = (id: string): RecordKey => ({ recordType: 'session', id: encodeKey([id]) });

/** Over a store of `queriedDefinition` with `outsiders` in it. */
export function queriedTableContract(name: string, makeAdapter: () => Promise<QueriedAdapter>): void {
  describe(`flat store with a where: ${name}`, () => {
    let adapter: QueriedAdapter;
    let source: FlatSource;
    beforeEach(async () => {
      adapter = await makeAdapter();
      ({ source } = adapter);
    });
    afterEach(() => adapter.stop());
    const current = async (id: string): Promise<SourceImage> =>
      (await source.readCurrent(category, [session(id)])).images[0]!;
    const logged = async (): Promise<readonly string[]> =>
      (await source.readChanges(category, 0, 100)).images.map(({ key }) => key.id);
    const entries = async (): Promise<number> => (await source.readChanges(category, 0, 100)).entryCount;
    const reverse = (sequence: number, id: string, row: FlatRow | null) =>
      source.applyReverse(category, [{ key: session(id), version: { epoch: 2, sequence }, row }]);
    const follow = async (): Promise<void> => {
      await source.fence(category, 1);
      await source.follow(category, 2);
    };

    it('counts, plans and reads the rows that are records', async () => {
      await adapter.execute(`INSERT INTO sessions VALUES ('a', 'x'), ('b', NULL), ('c', 'x')`);

      const boundaries: unknown[] = [];
      for await (const { upTo } of source.planRanges('session', 1)) boundaries.push(upTo);
      const page = await source.readRange('session', { after: null, upTo: null }, 2);
      const rest = await source.readRange('session', { after: page.nextAfter, upTo: null }, 2);

      expect((await source.inspect()).map(({ rowCount }) => rowCount)).toEqual([3, 0, 0]);
      expect(await source.countRows('session')).toBe(3);
      expect(boundaries).toEqual([['a'], ['b'], null]);
      expect([...page.images, ...rest.images].map(({ key }) => key.id)).toEqual(['a', 'b', 'c']);
      expect(rest.nextAfter).toBeNull();
      expect((await current('a1')).row).toBeNull();
    });

    it('logs a row that begins to be a record, changes, and is none any more, each time higher', async () => {
      await source.installChangeLog();
      await adapter.execute(`INSERT INTO sessions VALUES ('a', 'outside')`);
      const images: SourceImage[] = [];

      for (const payload of ["'in'", "'changed'", "'outside'", 'NULL', "'outside'"]) {
        await adapter.execute(`UPDATE sessions SET payload = ${payload} WHERE id = 'a'`);
        images.push(await current('a'));
      }

      expect(images.map(({ row }) => row?.['payload'])).toEqual([
        'in',
        'changed',
        undefined,
        null,
        undefined,
      ]);
      const sequences = images.map(({ version }) => version?.sequence ?? 0);
      expect(sequences).toEqual([...new Set(sequences)].toSorted((left, right) => left - right));
      expect(await logged()).toEqual(['a']);
    });

    it('logs nothing of rows that are no records', async () => {
      await source.installChangeLog();

      await adapter.execute(`INSERT INTO sessions VALUES ('n', 'outside')`);
      await adapter.execute(`UPDATE sessions SET id = 'm' WHERE id = 'n'`);
      await adapter.execute(`DELETE FROM sessions WHERE payload = 'outside'`);

      expect(await entries()).toBe(0);
    });

    it('logs the deletion of a record, and both keys of one that gets another', async () => {
      await source.installChangeLog();
      await adapter.execute(`INSERT INTO sessions VALUES ('a', 'x'), ('b', 'x'), ('c', 'x')`);
      const before = (await source.lowWatermark(category)).sequence;

      await adapter.execute(`DELETE FROM sessions WHERE id = 'a'`);
      await adapter.execute(`UPDATE sessions SET id = 'b2' WHERE id = 'b'`);
      await adapter.execute(`UPDATE sessions SET id = 'c2', payload = 'outside' WHERE id = 'c'`);

      const { images } = await source.readChanges(category, before, 100);
      const rows = images.map(({ key, row }) => `${key.id} ${row === null ? 'gone' : 'there'}`);
      expect(rows.toSorted()).toEqual(['a gone', 'b gone', 'b2 there', 'c gone']);
    });

    it('fences records only, whichever way they would come or go', async () => {
      await source.installChangeLog();
      await adapter.execute(`INSERT INTO sessions VALUES ('a', 'x')`);
      await source.fence(category, 1);

      for (const sql of [
        `INSERT INTO sessions VALUES ('n', 'x')`,
        `UPDATE sessions SET payload = 'y' WHERE id = 'a'`,
        `UPDATE sessions SET payload = 'outside' WHERE id = 'a'`,
        `UPDATE sessions SET payload = 'in' WHERE id = 'a1'`,
        `DELETE FROM sessions WHERE id = 'a'`,
      ])
        await expect(adapter.execute(sql)).rejects.toThrow(/is fenced/);
      await adapter.execute(`UPDATE sessions SET id = 'a2' WHERE id = 'a1'`);
      await adapter.execute(`INSERT INTO sessions VALUES ('o', 'outside')`);
      await adapter.execute(`DELETE FROM sessions WHERE id = 'o'`);

      expect((await current('a')).row).toEqual({ id: 'a', payload: 'x' });
    });

    it('gives services records alone, and takes nothing else of them', async () => {
      await source.installChangeLog();
      const { records } = adapter;

      expect((await records.read(category, session('a1'))).row).toBeNull();
      await records.write(category, session('a1'), null, 1);
      for (const row of [
        { id: 'a1', payload: 'mine' },
        { id: 'n', payload: 'outside' },
      ])
        await expect(records.write(category, session(row.id), row, 1)).rejects.toMatchObject({
          name: 'RowConflict',
        });
      await records.write(category, session('n'), { id: 'n', payload: 'x' }, 1);
      await expect(
        records.write(category, session('n'), { id: 'n', payload: 'outside' }, 1),
      ).rejects.toMatchObject({ name: 'RowConflict' });

      expect((await current('n')).row).toEqual({ id: 'n', payload: 'x' });
      expect(await logged()).toEqual(['n']);
      expect(await adapter.payloadOf('a1')).toBe('outside');
    });

    it('writes no reverse change over a row that is no record, nor one that would be none', async () => {
      await source.installChangeLog();
      await adapter.execute(`INSERT INTO sessions VALUES ('a', 'x')`);
      await follow();

      expect(await reverse(1, 'a1', null)).toEqual(['applied']);
      expect(await reverse(2, 'a1', { id: 'a1', payload: 'mine' })).toEqual(['applied']);
      expect(await reverse(1, 'a', { id: 'a', payload: 'outside' })).toEqual(['applied']);

      expect(await adapter.payloadOf('a1')).toBe('outside');
      expect((await current('a')).row).toEqual({ id: 'a', payload: 'x' });
      await expect(source.open(category, 3)).rejects.toMatchObject({ name: 'ReverseConflict' });
      await reverse(3, 'a1', null);
      await reverse(2, 'a', { id: 'a', payload: 'fits' });
      expect(await source.open(category, 3)).toBe(true);
      expect((await current('a')).row).toEqual({ id: 'a', payload: 'fits' });
      expect(await adapter.payloadOf('a1')).toBe('outside');
    });

    it('logs every row again when its where is another', async () => {
      await source.installChangeLog();
      await adapter.execute(`INSERT INTO sessions VALUES ('a', 'x')`);
      const before = (await source.lowWatermark(category)).sequence;
      const other = adapter.reopen(withWhere(`payload = 'outside'`));

      const { images } = await other.readChanges(category, before, 100);

      const rows = images.map(({ key, row }) => `${key.id} ${row === null ? 'gone' : 'there'}`);
      expect(rows.toSorted()).toEqual([' there', 'a gone', 'a1 there', 'zz there']);
      await other.close();
    });

    it.each([
      ['a column that is not there', `nothing = 'x'`, /nothing/],
      ['another table', `payload IN (SELECT id FROM notes)`, /subquer|notes/],
      ['the time', `payload < CURRENT_TIMESTAMP || ''`, /IMMUTABLE|non-deterministic/],
      ['half a condition', `payload = 'a') OR (payload = 'b'`, /syntax/],
      ['no SQL', `what else?`, /syntax/],
    ])('refuses a where with %s, and installs nothing', async (_fault, where, says) => {
      const wrong = adapter.reopen(withWhere(where));

      await expect(wrong.installChangeLog()).rejects.toMatchObject({
        name: 'QueryRejected',
        message: expect.stringMatching(says) as string,
        exit: 'usage',
      });

      expect(await source.isChangeLogInstalled()).toBe(false);
      await wrong.close();
    });

    it('says in the inspection what is wrong with a where', async () => {
      const wrong = adapter.reopen(withWhere(`nothing = 'x'`));

      await expect(wrong.inspect()).rejects.toMatchObject({ name: 'QueryRejected' });
      await wrong.close();
    });
  });
}
