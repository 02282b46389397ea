import { beforeEach, describe, expect, it } from 'vitest';

import type { BackupStore, ReadBlock } from '../../lib/migration/backup/ports.ts';

export interface BackupAdapter {
  readonly backups: BackupStore;
  /** Changes one byte of what is stored. */
  damage(name: string): Promise<void>;
}

async function* each(blocks: readonly string[]): AsyncGenerator<string> {
  yield* blocks;
}

async function* failing(): AsyncGenerator<string> {
  yield* each(['first']);
  throw new Error('the source is gone');
}

export function backupStoreContract(name: string, makeAdapter: () => Promise<BackupAdapter>): void {
  describe(`backup store: ${name}`, () => {
    const part = 'one/user-sessions/part-00001.jsonl.gz';
    let adapter: BackupAdapter;
    let backups: BackupStore;
    beforeEach(async () => {
      adapter = await makeAdapter();
      ({ backups } = adapter);
    });
    const read = async () => {
      const blocks: ReadBlock[] = [];
      const stored = await backups.readPart(part, (block) => {
        blocks.push(block);
        return Promise.resolve();
      });
      return { blocks, stored };
    };

    it('gives back the blocks of a part, in order, with the length and hash that were written', async () => {
      const texts = ['{"a":1}\n{"b":"ü\\ud800"}\n', 'second\n', 'x'.repeat(100_000)];

      const written = await backups.writePart(part, each(texts));

      const { blocks, stored } = await read();
      expect(blocks).toEqual(texts.map((text) => ({ kind: 'intact', text })));
      expect(stored).toEqual(written);
      expect(written.bytes).toBeGreaterThan(0);
      expect(written.sha256).toMatch(/^[0-9a-f]{64}$/);
    });

    it('holds a part without blocks, and knows one that is not there', async () => {
      expect((await read()).stored).toBeNull();

      await backups.writePart(part, each([]));

      expect(await read()).toMatchObject({ blocks: [], stored: { bytes: 0 } });
    });

    it('replaces a part of the same name', async () => {
      await backups.writePart(part, each(['old']));
      await backups.writePart(part, each(['new']));

      expect((await read()).blocks).toEqual([{ kind: 'intact', text: 'new' }]);
    });

    it('leaves nothing of a part whose blocks end in a failure', async () => {
      await expect(backups.writePart(part, failing())).rejects.toThrow('the source is gone');

      expect((await read()).stored).toBeNull();
    });

    it('costs one block when a byte of it changed, and says so by the hash', async () => {
      const written = await backups.writePart(part, each(['first', 'second', 'third']));

      await adapter.damage(part);

      const { blocks, stored } = await read();
      expect(stored?.sha256).not.toBe(written.sha256);
      expect(blocks.filter(({ kind }) => kind === 'damaged')).toHaveLength(1);
      expect(blocks.filter(({ kind }) => kind === 'intact')).toHaveLength(2);
    });

    it('keeps the first manifest of a checkpoint', async () => {
      expect(await backups.readManifest('one')).toBeNull();
      expect(await backups.putManifest('one', '{"first":true}')).toBe(true);
      expect(await backups.putManifest('one', '{"first":false}')).toBe(false);

      expect(await backups.readManifest('one')).toBe('{"first":true}');
      expect(await backups.readManifest('two')).toBeNull();
    });
  });
}
