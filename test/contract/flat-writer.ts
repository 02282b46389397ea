import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { FlatRecords } from '../../lib/gateway/ports.ts';
import type { FlatWriter } from '../../lib/migration/backup/ports.ts';
import { encodeKey } from '../../lib/migration/key.ts';
import type { FlatSource } from '../../lib/migration/ports.ts';

export interface FlatWriterAdapter {
  readonly writer: FlatWriter;
  readonly source: FlatSource;
  readonly records: FlatRecords;
  stop(): Promise<void>;
}

const category = 'user-sessions';
const key = { recordType: 'session', id: encodeKey(['a']) };
const row = { id: 'a', payload: 'restored' };

/** Over the two small categories of `test/simulation/definition.ts`. */
export function flatWriterContract(name: string, makeAdapter: () => Promise<FlatWriterAdapter>): void {
  describe(`flat writer: ${name}`, () => {
    let adapter: FlatWriterAdapter;
    beforeEach(async () => {
      adapter = await makeAdapter();
      await adapter.records.write(category, key, { id: 'a', payload: 'before the log' }, 1);
      await adapter.source.installChangeLog();
    });
    afterEach(() => adapter.stop());
    const present = async () => (await adapter.source.readCurrent(category, [key])).images[0];

    it('writes over the version that was read, and the change log carries it on', async () => {
      const written = await adapter.writer.writeIf({ category, key, row }, { epoch: 1, version: null });

      expect(written).toMatchObject({ kind: 'written', version: { epoch: 1 } });
      expect(await present()).toMatchObject({ row, version: written.kind === 'written' && written.version });
      const { images } = await adapter.source.readChanges(category, 0, 10);
      expect(images).toMatchObject([{ key, row }]);
    });

    it('refuses what was read before somebody else wrote', async () => {
      await adapter.records.write(category, key, { id: 'a', payload: 'newer' }, 1);

      const outcome = await adapter.writer.writeIf({ category, key, row }, { epoch: 1, version: null });

      expect(outcome).toEqual({ kind: 'version-moved' });
      expect(await present()).toMatchObject({ row: { payload: 'newer' } });
    });

    it('deletes', async () => {
      await adapter.writer.writeIf({ category, key, row: null }, { epoch: 1, version: null });

      expect(await present()).toMatchObject({ row: null, version: { epoch: 1 } });
    });

    it('writes nothing while flat is fenced, or at another epoch', async () => {
      const moved = { kind: 'authority-moved' };
      expect(await adapter.writer.writeIf({ category, key, row }, { epoch: 2, version: null })).toEqual(
        moved,
      );
      await adapter.source.fence(category, 1);

      expect(await adapter.writer.writeIf({ category, key, row }, { epoch: 1, version: null })).toEqual(
        moved,
      );
      expect(await present()).toMatchObject({ row: { payload: 'before the log' } });
    });

    it('answers that the table has no room for a row, and writes nothing', async () => {
      const other = { id: 'b', payload: 'of another key' };

      const outcome = await adapter.writer.writeIf(
        { category, key, row: other },
        { epoch: 1, version: null },
      );

      expect(outcome).toMatchObject({ kind: 'rejected' });
      expect(await present()).toMatchObject({ row: { payload: 'before the log' } });
    });
  });
}
