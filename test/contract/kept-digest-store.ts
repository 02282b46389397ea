import { beforeEach, describe, expect, it } from 'vitest';

import type { KeptDigestStore } from '../../lib/migration/kept/ports.ts';

const long = Uint8Array.from({ length: 900_000 }, (_, at) => (at * 31) % 251);

export function keptDigestStoreContract(name: string, makeAdapter: () => Promise<KeptDigestStore>): void {
  describe(`kept digest store: ${name}`, () => {
    let kept: KeptDigestStore;
    beforeEach(async () => {
      kept = await makeAdapter();
    });

    it('has nothing at first, then what was saved last, however long', async () => {
      expect(await kept.load()).toBeNull();

      expect(await kept.save(Uint8Array.of(1, 2, 3), 0)).toBe(true);
      expect(await kept.save(long, 1)).toBe(true);

      const stored = await kept.load();
      expect(stored?.revision).toBe(2);
      expect(Buffer.from(stored?.bytes ?? []).equals(long)).toBe(true);
    });

    it('refuses who did not see the last save, and keeps that whole', async () => {
      await kept.save(Uint8Array.of(1), 0);
      await kept.save(long, 1);

      expect(await kept.save(Uint8Array.of(9), 0)).toBe(false);
      expect(await kept.save(Uint8Array.of(9), 1)).toBe(false);

      expect((await kept.load())?.bytes.length).toBe(long.length);
    });

    it('lets one of several that save at the same moment through', async () => {
      await kept.save(Uint8Array.of(1), 0);

      const outcomes = await Promise.all([2, 3, 4].map((byte) => kept.save(Uint8Array.of(byte), 1)));

      expect(outcomes.filter(Boolean)).toHaveLength(1);
      expect((await kept.load())?.bytes[0]).toBe([2, 3, 4][outcomes.indexOf(true)]);
    });

    it('holds nothing as well as something', async () => {
      await kept.save(long, 0);
      await kept.save(new Uint8Array(), 1);

      expect(await kept.load()).toMatchObject({ revision: 2, bytes: { length: 0 } });
    });
  });
}
