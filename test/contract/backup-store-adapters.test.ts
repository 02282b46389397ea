import { afterAll, beforeAll } from 'vitest';

import { makeBackupStore } from '../../lib/aws/backup-store.ts';
import { makeMemoryBackupStore } from '../../lib/memory/backup-store.ts';
import { startObjects, type TestObjects } from '../support/fauxqs-s3.ts';
import { backupStoreContract } from './backup-store.ts';

let objects: TestObjects;
beforeAll(async () => {
  objects = await startObjects();
});
afterAll(() => objects.stop());

backupStoreContract('memory', () => {
  const backups = makeMemoryBackupStore();
  return Promise.resolve({
    backups,
    damage: (name: string) => {
      const block = backups.parts.get(name)?.[1];
      if (block !== undefined) block.text = 'sXcond';
      return Promise.resolve();
    },
  });
});

backupStoreContract('S3', async () => {
  const bucket = await objects.createBucket();
  return {
    backups: makeBackupStore({ client: objects.client, bucket }),
    // Three small blocks of some 25 bytes each: the middle of the second one.
    damage: (name: string) => objects.flipBit(bucket, `checkpoints/${name}`, 25 + 14),
  };
});
