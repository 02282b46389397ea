import { beforeEach, describe, expect, it } from 'vitest';

import type { HierarchicalRecords } from '../../lib/gateway/ports.ts';
import { groupOf } from '../../lib/migration/bucket.ts';
import type { AuthorityStore, ReversePendingStore } from '../../lib/migration/ports.ts';
import type { RecordVersion, TargetRecord } from '../../lib/migration/record.ts';
import { aRecord } from '../support/state-records.ts';

/** Three views of the same tables: the transaction under test spans them. */
export interface HierarchicalAdapter {
  readonly records: HierarchicalRecords;
  readonly authority: AuthorityStore;
  readonly reversePending: ReversePendingStore;
}

const category = 'user-sessions';
const at = (epoch: number, sequence: number) => ({ epoch, sequence });
const written = (sequence: number, fields = {}) =>
  aRecord({ version: at(2, sequence), origin: 'hierarchical', ...fields });
const group = groupOf(aRecord().key);

export function hierarchicalRecordsContract(
  name: string,
  makeAdapter: () => Promise<HierarchicalAdapter>,
): void {
  describe(`hierarchical records: ${name}`, () => {
    let adapter: HierarchicalAdapter;
    beforeEach(async () => {
      adapter = await makeAdapter();
      await adapter.authority.initialize(category, 1);
      await adapter.authority.open(category, 'hierarchical', 2);
    });
    const write = (record: TargetRecord, expected: RecordVersion | null) =>
      adapter.records.write(record, { group, expected });

    it('writes a record and its reverse-pending entry together', async () => {
      expect(await write(written(1), null)).toBe('written');

      expect(await adapter.records.read(aRecord().key)).toEqual({ ...written(1), intact: true });
      expect(await adapter.reversePending.list(category, group, 10)).toEqual([
        { key: aRecord().key, category, group, version: at(2, 1) },
      ]);
    });

    it('writes only over the version that was read', async () => {
      await write(written(1), null);

      expect(await write(written(9), null)).toBe('version-moved');
      expect(await write(written(9), at(2, 7))).toBe('version-moved');
      expect(await write(written(9), at(1, 1))).toBe('version-moved');
      expect(await write(written(2, { state: 'tombstone', body: null }), at(2, 1))).toBe('written');

      expect((await adapter.records.read(aRecord().key))?.state).toBe('tombstone');
      expect(await adapter.reversePending.count(category)).toBe(1);
    });

    it('refuses when the side is fenced, of another epoch or not hierarchical', async () => {
      expect(await write(aRecord({ version: at(4, 1), origin: 'hierarchical' }), null)).toBe(
        'authority-moved',
      );
      await adapter.authority.fence(category, 2);
      expect(await write(written(1), null)).toBe('authority-moved');
      await adapter.authority.open(category, 'flat', 3);
      expect(await write(aRecord({ version: at(3, 1), origin: 'hierarchical' }), null)).toBe(
        'authority-moved',
      );

      expect(await adapter.records.read(aRecord().key)).toBeNull();
      expect(await adapter.reversePending.count(category)).toBe(0);
    });
  });
}
