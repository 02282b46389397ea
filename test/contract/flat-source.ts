import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { FlatRecords } from '../../lib/gateway/ports.ts';
import { encodeKey } from '../../lib/migration/key.ts';
import type { FlatSource, ReverseKind, SourceImage } from '../../lib/migration/ports.ts';
import type { RecordVersion } from '../../lib/migration/record.ts';
import type { RecordKey } from '../../lib/migration/row.ts';
import { categoryOfType, flatRowsContract, keyOfSmallRow, type RowOrder } from './flat-rows.ts';

/** A flat store of the small definition: empty, and without change log. */
export interface FlatAdapter {
  /** Rows come by their keys unless the store has another order, in which it then plans segments. */
  readonly rowOrder?: RowOrder;
  readonly source: FlatSource;
  readonly records: FlatRecords;
  stop(): Promise<void>;
}

const category = 'user-sessions';

function sessionKey(id: string): RecordKey {
  return { recordType: 'session', id: encodeKey([id]) };
}

/** What every live flat source does, whatever store is behind it; an offline one has `offlineSourceContract`. */
export function flatSourceContract(name: string, makeAdapter: () => Promise<FlatAdapter>): void {
  flatRowsContract(name, async (rows) => {
    const adapter = await makeAdapter();
    for (const [recordType, row] of rows)
      await adapter.records.write(categoryOfType(recordType), keyOfSmallRow(recordType, row), row, 1);
    return adapter;
  });
  describe(`flat source: ${name}`, () => {
    let adapter: FlatAdapter;
    let source: FlatSource;
    beforeEach(async () => {
      adapter = await makeAdapter();
      source = adapter.source;
    });
    afterEach(() => adapter.stop());

    const put = (id: string, payload: string | null, epoch = 1) =>
      adapter.records.write(category, sessionKey(id), payload === null ? null : { id, payload }, epoch);
    const current = async (id: string): Promise<SourceImage> => {
      const { images } = await source.readCurrent(category, [sessionKey(id)]);
      return images[0]!;
    };

    it('logs nothing before the change log is installed, and everything after', async () => {
      await put('a', 'before');
      expect(await source.isChangeLogInstalled()).toBe(false);

      await source.installChangeLog();
      await source.installChangeLog();
      await put('b', 'after');

      expect(await source.isChangeLogInstalled()).toBe(true);
      expect((await current('a')).version).toBeNull();
      expect((await current('b')).version).toEqual(await source.lowWatermark(category));
    });

    it('gives a key a higher version with each change, through deletion and re-insertion', async () => {
      await source.installChangeLog();
      const versions: number[] = [];

      for (const payload of ['1', '2', null, '3']) {
        await put('a', payload);
        versions.push((await current('a')).version!.sequence);
      }

      expect(versions).toEqual([...new Set(versions)].toSorted((left, right) => left - right));
      expect(await current('a')).toMatchObject({ row: { id: 'a', payload: '3' } });
    });

    it('does not log the deletion of a row that is not there', async () => {
      await source.installChangeLog();

      await put('a', null);

      expect((await source.readChanges(category, 0, 10)).entryCount).toBe(0);
    });

    it('pages through the log: distinct keys, current images, bounds kept', async () => {
      await source.installChangeLog();
      for (const [id, payload] of [
        ['a', '1'],
        ['b', '1'],
        ['a', '2'],
        ['c', '1'],
        ['b', null],
      ] as const) {
        await put(id, payload);
      }

      const first = await source.readChanges(category, 0, 3);
      const rest = await source.readChanges(category, first.throughSequence, 10);
      const bounded = await source.readChanges(category, 0, 10, first.throughSequence);

      expect(first.entryCount).toBe(3);
      expect(first.images.map(({ key }) => key.id).toSorted()).toEqual(['a', 'b']);
      expect(first.images.find(({ key }) => key.id === 'b')).toMatchObject({ row: null });
      expect(rest.entryCount).toBe(2);
      expect(rest.throughSequence).toBe((await source.lowWatermark(category)).sequence);
      expect(bounded).toMatchObject({ entryCount: 3, throughSequence: first.throughSequence });
      expect(await source.readChanges(category, rest.throughSequence, 10)).toEqual({
        images: [],
        throughSequence: rest.throughSequence,
        entryCount: 0,
      });
    });

    it('keeps the logs of the categories apart', async () => {
      await source.installChangeLog();
      await put('a', 'x');

      expect((await source.readChanges('metadata', 0, 10)).entryCount).toBe(0);
    });

    it('fences, and tells the last version of the category', async () => {
      await source.installChangeLog();
      await put('a', 'x');
      const { version } = await current('a');

      const fence = await source.fence(category, 1);

      expect(fence).toEqual({ fenced: true, last: version });
      expect(await source.fence(category, 1)).toEqual(fence);
      expect(await put('a', 'y')).toEqual({ kind: 'refused', authority: { epoch: 1, state: 'fenced' } });
      expect((await current('a')).row).toEqual({ id: 'a', payload: 'x' });
    });

    it('refuses to fence another epoch, and unfences its own', async () => {
      await source.installChangeLog();

      expect(await source.fence(category, 2)).toEqual({ fenced: false });
      await source.fence(category, 1);
      expect(await source.unfence(category, 2)).toBe(false);
      expect(await source.unfence(category, 1)).toBe(true);
      expect(await put('a', 'x')).toEqual({ kind: 'written' });
    });

    it('passes authority on and back, one epoch at a time, and each step twice is once', async () => {
      await source.installChangeLog();

      expect(await source.follow(category, 2)).toBe(false);
      await source.fence(category, 1);
      expect([await source.follow(category, 2), await source.follow(category, 2)]).toEqual([true, true]);
      expect(await source.authority(category)).toEqual({ epoch: 2, state: 'following' });
      expect(await source.fence(category, 2)).toEqual({ fenced: false });
      expect(await source.open(category, 2)).toBe(false);
      expect([await source.open(category, 3), await source.open(category, 3)]).toEqual([true, true]);

      expect(await source.authority(category)).toEqual({ epoch: 3, state: 'open' });
      expect(await put('a', 'x', 1)).toMatchObject({ kind: 'refused' });
      expect(await put('a', 'x', 3)).toEqual({ kind: 'written' });
      expect((await current('a')).version).toMatchObject({ epoch: 3 });
      expect(await source.authority('metadata')).toEqual({ epoch: 1, state: 'open' });
    });

    it('applies reverse changes only while it follows, only newer ones, and logs none of them', async () => {
      await source.installChangeLog();
      await put('a', 'flat');
      const reverse = (sequence: number, payload: string | null) =>
        source.applyReverse(category, [
          {
            key: sessionKey('a'),
            version: { epoch: 2, sequence },
            row: payload === null ? null : { id: 'a', payload },
          },
        ]);
      const logged = await source.lowWatermark(category);

      expect(await reverse(1, 'early')).toEqual(['refused-epoch']);
      await source.fence(category, 1);
      await source.follow(category, 2);
      expect(await reverse(3, 'third')).toEqual(['applied']);
      expect(await reverse(3, 'again')).toEqual(['already-newer']);
      expect(await reverse(2, 'second')).toEqual(['already-newer']);
      expect(await current('a')).toMatchObject({
        row: { id: 'a', payload: 'third' },
        version: { epoch: 2, sequence: 3 },
      });
      expect(await reverse(4, null)).toEqual(['applied']);
      expect(await reverse(3, 'third')).toEqual(['already-newer']);

      expect(await current('a')).toMatchObject({ row: null, version: { epoch: 2, sequence: 4 } });
      expect((await source.lowWatermark(category)).sequence).toBe(logged.sequence);
    });

    it('repairs rows only while it follows, and only where nothing newer was applied', async () => {
      await source.installChangeLog();
      await put('a', 'flat');
      await put('b', 'flat');
      const said = (await current('a')).version!;
      const apply = (id: string, version: RecordVersion, payload: string, as: ReverseKind) =>
        source.applyReverse(category, [{ key: sessionKey(id), version, row: { id, payload } }], as);

      expect(await apply('a', said, 'too early', 'repair')).toEqual(['refused-epoch']);
      await source.fence(category, 1);
      await source.follow(category, 2);
      expect(await apply('a', said, 'mended', 'repair')).toEqual(['applied']);
      expect((await current('a')).row).toEqual({ id: 'a', payload: 'mended' });
      await apply('b', { epoch: 2, sequence: 3 }, 'third', 'change');
      expect(await apply('b', { epoch: 2, sequence: 2 }, 'second', 'repair')).toEqual(['already-newer']);
      expect(await apply('b', said, 'first', 'repair')).toEqual(['already-newer']);
      expect(await apply('b', { epoch: 2, sequence: 3 }, 'third, again', 'repair')).toEqual(['applied']);
      expect(await apply('b', { epoch: 3, sequence: 1 }, 'not yet', 'repair')).toEqual(['refused-epoch']);
      expect(await apply('a', { epoch: 2, sequence: 1 }, 'live', 'change')).toEqual(['applied']);

      expect([(await current('a')).row, (await current('b')).row]).toEqual([
        { id: 'a', payload: 'live' },
        { id: 'b', payload: 'third, again' },
      ]);
      await source.open(category, 3);
      expect(await apply('b', { epoch: 2, sequence: 3 }, 'late', 'repair')).toEqual(['refused-epoch']);
    });
  });
}
