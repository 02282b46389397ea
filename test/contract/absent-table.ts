import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { MigrationDefinition } from '../../lib/migration/definition.ts';
import { encodeKey } from '../../lib/migration/key.ts';
import { smallDefinition } from '../simulation/definition.ts';
import type { FlatAdapter } from './flat-source.ts';

/** The small definition, for stores that may be without some of its tables. */
export const partialDefinition: MigrationDefinition = {
  ...smallDefinition,
  mappings: [{ name: 'partial', absentTables: 'empty' }],
  tables: smallDefinition.tables.map((table) => ({ ...table, mapping: 'partial' })),
};

const category = 'metadata';
const key = { recordType: 'note', id: 'n' };
const other = { recordType: 'event', id: encodeKey(['a', 1n]) };

/** Over a store of `partialDefinition` without the table of notes: such records are none, and stop nothing. */
function note(sequence: number, row: { id: string; payload: string } | null) {
  return { key, version: { epoch: 2, sequence }, row };
}

export function absentTableContract(name: string, makeAdapter: () => Promise<FlatAdapter>): void {
  describe(`flat store without a table: ${name}`, () => {
    let adapter: FlatAdapter;
    beforeEach(async () => {
      adapter = await makeAdapter();
      await adapter.source.installChangeLog();
    });
    afterEach(() => adapter.stop());
    const follow = async (): Promise<void> => {
      await adapter.source.fence(category, 1);
      await adapter.source.follow(category, 2);
    };

    it('reads it as an empty one, and refuses a writer', async () => {
      const { source, records } = adapter;
      const ranges: unknown[] = [];
      for await (const range of source.planRanges('note', 10)) ranges.push(range);

      expect(ranges).toEqual([]);
      expect(await source.countRows('note')).toBe(0);
      expect((await source.readCurrent(category, [key])).images).toMatchObject([{ row: null }]);
      await expect(records.write(category, key, { id: 'n', payload: 'x' }, 1)).rejects.toMatchObject({
        name: 'TableAbsent',
      });
    });

    it('goes on with the changes behind one that has no table', async () => {
      const { source } = adapter;
      await follow();

      const outcomes = await source.applyReverse(category, [
        note(1, { id: 'n', payload: 'x' }),
        { key: other, version: { epoch: 2, sequence: 1 }, row: { stream: 'a', number: 1n, payload: 'x' } },
      ]);

      expect(outcomes).toEqual(['applied', 'applied']);
      expect((await source.readCurrent(category, [other])).images).toMatchObject([{ row: { payload: 'x' } }]);
      expect(await source.applyReverse(category, [note(1, { id: 'n', payload: 'x' })])).toEqual([
        'already-newer',
      ]);
    });

    it('does not take over before such a record is gone', async () => {
      const { source } = adapter;
      await follow();
      await source.applyReverse(category, [note(1, { id: 'n', payload: 'x' })]);

      await expect(source.requireFitting(category)).rejects.toMatchObject({ name: 'ReverseConflict' });
      await expect(source.open(category, 3)).rejects.toMatchObject({ name: 'ReverseConflict' });
      await source.applyReverse(category, [note(2, null)]);

      expect(await source.open(category, 3)).toBe(true);
      expect(
        await adapter.records.write(category, other, { stream: 'a', number: 1n, payload: 'y' }, 3),
      ).toEqual({
        kind: 'written',
      });
    });

    it('takes over after the deletion of what it never had', async () => {
      const { source } = adapter;
      await follow();

      expect(await source.applyReverse(category, [note(1, null)])).toEqual(['applied']);
      expect(await source.applyReverse(category, [note(1, null)])).toEqual(['already-newer']);

      expect(await source.open(category, 3)).toBe(true);
    });
  });
}
