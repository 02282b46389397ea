import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import type { FlatAdapter } from './flat-source.ts';

const category = 'user-sessions';
const key = { recordType: 'session', id: 'a' };

/** What the gateway may rely on, whatever store is behind it. */
export function flatRecordsContract(name: string, makeAdapter: () => Promise<FlatAdapter>): void {
  describe(`flat records: ${name}`, () => {
    let adapter: FlatAdapter;
    beforeEach(async () => {
      adapter = await makeAdapter();
      await adapter.source.installChangeLog();
    });
    afterEach(() => adapter.stop());

    it('reads what was written, with the authority of the same instant', async () => {
      const { records, source } = adapter;

      await records.write(category, key, { id: 'a', payload: 'x' }, 1);
      expect(await records.read(category, key)).toEqual({
        row: { id: 'a', payload: 'x' },
        authority: { epoch: 1, state: 'open' },
      });

      await source.fence(category, 1);
      expect((await records.read(category, key)).authority).toEqual({ epoch: 1, state: 'fenced' });
    });

    it('replaces and deletes', async () => {
      const { records } = adapter;
      await records.write(category, key, { id: 'a', payload: 'x' }, 1);

      await records.write(category, key, { id: 'a', payload: 'y' }, 1);
      expect((await records.read(category, key)).row).toEqual({ id: 'a', payload: 'y' });

      await records.write(category, key, null, 1);
      expect((await records.read(category, key)).row).toBeNull();
    });

    it('refuses a writer of another epoch', async () => {
      const { records } = adapter;

      expect(await records.write(category, key, { id: 'a', payload: 'x' }, 2)).toEqual({
        kind: 'refused',
        authority: { epoch: 1, state: 'open' },
      });
      expect((await records.read(category, key)).row).toBeNull();
    });

    it('refuses a row of another key', async () => {
      await expect(adapter.records.write(category, key, { id: 'b', payload: 'x' }, 1)).rejects.toThrow(
        TypeError,
      );
    });
  });
}
