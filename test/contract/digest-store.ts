import { beforeEach, describe, expect, it } from 'vitest';

import type { DigestStore } from '../../lib/migration/ports.ts';

const long = Uint8Array.from({ length: 900_000 }, (_, at) => (at * 31) % 251);

export function digestStoreContract(name: string, makeAdapter: () => Promise<DigestStore>): void {
  describe(`digest store: ${name}`, () => {
    let digests: DigestStore;
    beforeEach(async () => {
      digests = await makeAdapter();
    });

    it('gives back what was saved, however long', async () => {
      await digests.save('short', Uint8Array.of(1, 2, 3));
      await digests.save('long', long);

      expect([...((await digests.load('short')) ?? [])]).toEqual([1, 2, 3]);
      expect(Buffer.from((await digests.load('long')) ?? []).equals(long)).toBe(true);
    });

    it('replaces what had the name before, shorter or longer', async () => {
      await digests.save('one', long);
      await digests.save('one', Uint8Array.of(9));
      expect([...((await digests.load('one')) ?? [])]).toEqual([9]);

      await digests.save('one', long);
      expect((await digests.load('one'))?.length).toBe(long.length);
    });

    it('knows nothing of what was removed or never saved', async () => {
      await digests.save('long', long);
      await digests.remove(['long', 'never']);

      expect(await digests.load('long')).toBeNull();
      expect(await digests.load('never')).toBeNull();
    });
  });
}
