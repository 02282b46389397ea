import { beforeEach, describe, expect, it } from 'vitest';

import type { AuditSeal, SealStore } from '../../lib/migration/audit-chain/ports.ts';

const stream = { recordType: 'metadata', stream: 'audit' };

function seal(index: number, last: string): AuditSeal {
  return {
    index,
    first: '1',
    last,
    count: Number(last),
    head: `${index}`.repeat(64),
    sealedAtMs: 5,
    by: 'a',
  };
}

export function sealStoreContract(name: string, makeAdapter: () => Promise<SealStore>): void {
  describe(`seal store: ${name}`, () => {
    let seals: SealStore;
    beforeEach(async () => {
      seals = await makeAdapter();
    });

    it('lists the seals of one stream in order', async () => {
      for (let index = 0; index < 12; index += 1) await seals.append(stream, seal(index, `${index + 1}`));
      await seals.append({ ...stream, stream: 'other' }, seal(0, '7'));

      expect((await seals.list(stream)).map(({ last }) => last)).toEqual(
        Array.from({ length: 12 }, (_, at) => `${at + 1}`),
      );
      expect(await seals.list({ ...stream, stream: 'never' })).toEqual([]);
    });

    it('writes no seal twice, and none without the one before it', async () => {
      expect(await seals.append(stream, seal(0, '10'))).toBe(true);
      expect(await seals.append(stream, seal(0, '20'))).toBe(false);
      expect(await seals.append(stream, seal(2, '30'))).toBe(false);
      expect(await seals.list(stream)).toEqual([seal(0, '10')]);
    });

    it('lets one of two win who seal at once', async () => {
      const outcomes = await Promise.all([
        seals.append(stream, seal(0, '10')),
        seals.append(stream, seal(0, '20')),
      ]);

      expect(outcomes.filter((isAppended) => isAppended)).toHaveLength(1);
      expect(await seals.list(stream)).toHaveLength(1);
    });
  });
}
