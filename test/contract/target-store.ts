import { beforeEach, describe, expect, it } from 'vitest';

import type { TargetStore } from '../../lib/migration/ports.ts';
import { recordPk } from '../../lib/migration/key.ts';
import { aRecord } from '../support/state-records.ts';

const at = (epoch: number, sequence: number) => ({ epoch, sequence });

/** The three conditional writes of the state table; they are the protocol. */
export function targetStoreContract(name: string, makeAdapter: () => Promise<TargetStore>): void {
  describe(`target store: ${name}`, () => {
    let target: TargetStore;
    beforeEach(async () => {
      target = await makeAdapter();
    });
    const stored = async (id = 'one') => {
      const { key } = aRecord({ id });
      return (await target.read([key])).get(recordPk(key));
    };

    it('backfills only what is absent, a tombstone included', async () => {
      const old = aRecord({ version: at(1, 1), state: 'tombstone', body: null });

      expect(await target.insertIfAbsent([old])).toEqual(['written']);
      expect(await target.insertIfAbsent([aRecord({ version: at(9, 9) })])).toEqual(['kept-newer']);

      expect(await stored()).toEqual({ ...old, intact: true });
    });

    it('answers each record of a batch for itself', async () => {
      await target.insertIfAbsent([aRecord({ id: '3' })]);
      const batch = Array.from({ length: 25 }, (_, number) => aRecord({ id: String(number) }));

      const outcomes = await target.insertIfAbsent(batch);

      expect(outcomes.map((outcome, number) => (outcome === 'kept-newer' ? number : -1))).toEqual(
        batch.map((_, number) => (number === 3 ? 3 : -1)),
      );
      expect((await target.read(batch.map(({ key }) => key))).size).toBe(25);
    });

    it('applies only what is newer; the epoch counts before the sequence', async () => {
      await target.applyVersioned([aRecord({ version: at(2, 5) })]);

      expect(await target.applyVersioned([aRecord({ version: at(2, 5), body: '{"a":2}' })])).toEqual([
        'kept-newer',
      ]);
      expect(await target.applyVersioned([aRecord({ version: at(1, 99) })])).toEqual(['kept-newer']);
      expect(await target.applyVersioned([aRecord({ version: at(2, 6) })])).toEqual(['written']);
      expect(await target.applyVersioned([aRecord({ version: at(3, 1) })])).toEqual(['written']);

      expect((await stored())?.version).toEqual(at(3, 1));
    });

    it('repairs what is as old or older, never what is newer', async () => {
      await target.applyVersioned([aRecord({ version: at(1, 5) })]);
      const repaired = aRecord({ version: at(1, 5), body: '{"a":"repaired"}' });

      expect(await target.repair([repaired])).toEqual(['written']);
      expect(await target.repair([aRecord({ version: at(1, 4) })])).toEqual(['kept-newer']);
      expect(await target.repair([aRecord({ id: 'absent' })])).toEqual(['written']);

      expect(await stored()).toEqual({ ...repaired, intact: true });
    });

    it('keeps every field of every kind of record', async () => {
      const records = [
        aRecord({ id: '1', body: '{"text":"é\u0000\u{1f600}"}', expiresAtS: 4_000_000_000 }),
        aRecord({ id: '2', state: 'tombstone', body: null }),
        aRecord({ id: '3', state: 'quarantined', body: null }),
        aRecord({ id: '4', origin: 'hierarchical', version: at(2, 1) }),
      ];

      await target.applyVersioned(records);

      for (const record of records) expect(await stored(record.key.id)).toEqual({ ...record, intact: true });
    });

    it('shows a record whose hash is wrong as not intact', async () => {
      await target.applyVersioned([{ ...aRecord(), body: '{"a":666}' }]);

      expect((await stored())?.intact).toBe(false);
    });

    it('leaves absent keys out of a read', async () => {
      expect((await target.read([aRecord().key])).size).toBe(0);
    });

    it('scans every record once, over all segments and pages', async () => {
      const ids = Array.from({ length: 40 }, (_, number) => `k${number}`);
      for (const id of ids) await target.insertIfAbsent([aRecord({ id })]);

      const found: string[] = [];
      for (const segment of [0, 1, 2]) {
        let cursor: string | null = null;
        do {
          const page: Awaited<ReturnType<TargetStore['scan']>> = await target.scan({
            segment,
            segmentCount: 3,
            cursor,
            limit: 7,
          });
          found.push(...page.records.map(({ key }) => key.id));
          cursor = page.cursor;
        } while (cursor !== null);
      }

      expect(found.toSorted()).toEqual(ids.toSorted());
    });
  });
}
