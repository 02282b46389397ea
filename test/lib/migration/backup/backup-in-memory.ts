import { makeMemoryBackupStore } from '../../../../lib/memory/backup-store.ts';
import { makeMemoryFlatWriter } from '../../../../lib/memory/flat-writer.ts';
import { makeMemoryHierarchicalRecords } from '../../../../lib/memory/hierarchical-records.ts';
import { makeRestoreBackup, type RestoreCounts } from '../../../../lib/migration/backup/restore-backup.ts';
import type { NewerPolicy } from '../../../../lib/migration/backup/restore-entries.ts';
import { makeTakeBackup, type BackupAnswer } from '../../../../lib/migration/backup/take-backup.ts';
import { makeVerifyBackup } from '../../../../lib/migration/backup/verify-backup.ts';
import type { FlatRow } from '../../../../lib/migration/row.ts';
import type { Category } from '../../../../lib/migration/category.ts';
import { migrationInMemory } from '../migration-in-memory.ts';

const bothCategories: readonly Category[] = ['user-sessions', 'metadata'];

/** A small migration with a place for backups; each call ends after one part, so that every cursor is used. */
export function backupInMemory() {
  const migration = migrationInMemory();
  const backups = makeMemoryBackupStore();
  const deps = {
    ...migration.deps,
    backups,
    partEntries: 3,
    hierarchical: makeMemoryHierarchicalRecords(migration.world),
    flatWriter: makeMemoryFlatWriter(migration.store),
  };
  return {
    ...migration,
    deps,
    backups,
    rows(recordType: string): Record<string, FlatRow> {
      const rows = [...(migration.store.tables.get(recordType)?.rows ?? [])];
      return Object.fromEntries(
        rows
          .toSorted(([left], [right]) => (left < right ? -1 : 1))
          .map(([id, { row }]): [string, FlatRow] => [id, row]),
      );
    },
    async backUp(
      checkpointId = 'before',
      options: { full?: boolean; between?: () => Promise<unknown> } = {},
    ): Promise<Extract<BackupAnswer, { done: true }>> {
      const takeBackup = makeTakeBackup(deps);
      let cursor: string | null = null;
      for (;;) {
        const request = { checkpointId, categories: bothCategories, full: options.full ?? true, cursor };
        const answer = await takeBackup(request, 0);
        if (answer.done) return answer;
        ({ cursor } = answer);
        await options.between?.();
      }
    },
    async verify(checkpointId = 'before') {
      const verifyBackup = makeVerifyBackup(deps);
      let cursor: string | null = null;
      for (;;) {
        const answer = await verifyBackup({ checkpointId, cursor }, 0);
        if (answer.done) return answer.verification;
        ({ cursor } = answer);
      }
    },
    async restore(
      options: {
        checkpointId?: string;
        categories?: readonly Category[];
        newer?: NewerPolicy;
        dryRun?: boolean;
        between?: () => Promise<unknown>;
      } = {},
    ): Promise<RestoreCounts> {
      const restoreBackup = makeRestoreBackup(deps);
      let cursor: string | null = null;
      for (;;) {
        const answer = await restoreBackup(
          {
            restoreId: 'r1',
            checkpointId: options.checkpointId ?? 'before',
            categories: options.categories ?? bothCategories,
            newer: options.newer ?? 'reapply',
            dryRun: options.dryRun ?? false,
            cursor,
          },
          0,
        );
        if (answer.done) return answer.counts;
        ({ cursor } = answer);
        await options.between?.();
      }
    },
  };
}
