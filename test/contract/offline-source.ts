import { afterEach, describe, expect, it } from 'vitest';

import type { FlatRecords } from '../../lib/gateway/ports.ts';
import type { FlatWriter } from '../../lib/migration/backup/ports.ts';
import type { FlatSource } from '../../lib/migration/ports.ts';
import { flatRowsContract, type SmallRows } from './flat-rows.ts';

export interface OfflineAdapter {
  readonly source: FlatSource;
  readonly records: FlatRecords;
  readonly writer: FlatWriter;
  /** Puts other rows in the place of those that are there, behind everybody's back. */
  readonly replaceRows: (rows: SmallRows) => Promise<void>;
  stop(): Promise<void>;
}

const category = 'user-sessions';
const key = { recordType: 'session', id: 'a' };
const first: SmallRows = [
  ['session', { id: 'a', payload: 'x' }],
  ['session', { id: 'b', payload: 'y' }],
];

/**
 * A store that nobody writes shows its rows like every flat source. What it does otherwise than `flatSourceContract`
 * asks of a live one is all here: no change has a version, none is logged, a write is refused by name, reverse changes
 * are not kept, and another content is refused.
 */
export function offlineSourceContract(
  name: string,
  openWith: (rows: SmallRows) => Promise<OfflineAdapter>,
): void {
  flatRowsContract(name, openWith);
  describe(`offline source: ${name}`, () => {
    let adapter: OfflineAdapter;
    afterEach(() => adapter.stop());
    const open = async (rows: SmallRows = first): Promise<OfflineAdapter> => {
      adapter = await openWith(rows);
      return adapter;
    };

    it('is prepared once and again, and says so', async () => {
      const { source } = await open();
      expect(await source.isChangeLogInstalled()).toBe(false);
      await expect(source.lowWatermark(category)).rejects.toMatchObject({ name: 'ChangeLogMissing' });

      await source.installChangeLog();
      await source.installChangeLog();

      expect(await source.isChangeLogInstalled()).toBe(true);
      expect(source.isOffline).toBe(true);
    });

    it('has no changes, and every row carries the low watermark', async () => {
      const { source } = await open();
      await source.installChangeLog();

      expect(await source.lowWatermark(category)).toEqual({ epoch: 1, sequence: 0 });
      expect(await source.readChanges(category, 0, 10)).toEqual({
        images: [],
        throughSequence: 0,
        entryCount: 0,
      });
      const { images } = await source.readRange('session', { after: null, upTo: null }, 10);
      expect(images.map(({ version }) => version)).toEqual([null, null]);
    });

    it('passes authority on, one epoch at a time, and each step twice is once', async () => {
      const { source } = await open();
      await source.installChangeLog();

      expect(await source.fence(category, 2)).toEqual({ fenced: false });
      const fence = { fenced: true, last: { epoch: 1, sequence: 0 } };
      expect([await source.fence(category, 1), await source.fence(category, 1)]).toEqual([fence, fence]);
      expect(await source.unfence(category, 1)).toBe(true);
      expect(await source.follow(category, 2)).toBe(false);
      await source.fence(category, 1);
      expect([await source.follow(category, 2), await source.follow(category, 2)]).toEqual([true, true]);

      expect(await source.authority(category)).toEqual({ epoch: 2, state: 'following' });
      expect(await source.lowWatermark(category)).toEqual({ epoch: 2, sequence: 0 });
      expect(await source.authority('metadata')).toEqual({ epoch: 1, state: 'open' });
    });

    it('refuses a write by name while it has authority, and sends the writer elsewhere afterwards', async () => {
      const { source, records, writer } = await open();
      await source.installChangeLog();

      await expect(records.write(category, key, { id: 'a', payload: 'z' }, 1)).rejects.toMatchObject({
        name: 'SourceOffline',
      });
      expect(await writer.writeIf({ category, key, row: null }, { epoch: 1, version: null })).toMatchObject({
        kind: 'rejected',
        errorName: 'SourceOffline',
      });
      await source.fence(category, 1);
      await source.follow(category, 2);

      expect(await records.write(category, key, { id: 'a', payload: 'z' }, 2)).toEqual({
        kind: 'refused',
        authority: { epoch: 2, state: 'following' },
      });
      expect(await records.read(category, key)).toEqual({
        row: { id: 'a', payload: 'x' },
        authority: { epoch: 2, state: 'following' },
      });
    });

    it('keeps no reverse change, and says so instead of losing it', async () => {
      const { source } = await open();
      await source.installChangeLog();
      const change = { key, version: { epoch: 2, sequence: 1 }, row: { id: 'a', payload: 'z' } };
      expect(await source.applyReverse(category, [change])).toEqual(['refused-epoch']);
      await source.fence(category, 1);
      await source.follow(category, 2);

      expect(await source.applyReverse(category, [change])).toEqual(['not-kept']);

      expect((await source.readCurrent(category, [key])).images[0]?.row).toEqual({ id: 'a', payload: 'x' });
    });

    it('refuses to read another content, and to give authority over it away', async () => {
      const { source, replaceRows } = await open();
      await source.installChangeLog();
      await source.readRange('session', { after: null, upTo: null }, 1);

      await replaceRows([
        ['session', { id: 'a', payload: 'X' }],
        ['session', { id: 'b', payload: 'y' }],
      ]);

      const changed = { name: 'SourceChanged' };
      await expect(source.readCurrent(category, [key])).rejects.toMatchObject(changed);
      await expect(source.fence(category, 1)).rejects.toMatchObject(changed);
      await expect(source.installChangeLog()).rejects.toMatchObject(changed);
      expect(await source.authority(category)).toEqual({ epoch: 1, state: 'open' });
    });

    it('takes the same content for the same, however often it was put there', async () => {
      const { source, replaceRows } = await open();
      await source.installChangeLog();

      await source.readCurrent(category, [key]);

      await replaceRows(first);

      expect((await source.readCurrent(category, [key])).images[0]?.row).toEqual({ id: 'a', payload: 'x' });
      expect(await source.fence(category, 1)).toMatchObject({ fenced: true });
      await source.installChangeLog();
    });
  });
}
