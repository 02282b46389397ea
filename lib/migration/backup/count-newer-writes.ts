import type { Category } from '../category.ts';
import type { FlatSource } from '../ports.ts';
import type { BackupStore } from './ports.ts';
import { openBackup } from './read-backup.ts';

export interface NewerWrites {
  readonly category: Category;
  /** Acknowledged writes behind the checkpoint's cut, by the change log; null where no log tells. */
  readonly writes: number | null;
}

const pageEntries = 1_000;

/** Throws HalError `BackupMissing`, `BackupDamaged`. */
export async function countNewerWrites(
  deps: { readonly source: FlatSource; readonly backups: BackupStore },
  checkpointId: string,
  categories: readonly Category[],
): Promise<readonly NewerWrites[]> {
  const manifest = await openBackup(deps.backups, checkpointId);
  const counts: NewerWrites[] = [];
  for (const category of categories) {
    const cut = manifest.categories.find((hash) => hash.category === category)?.cut ?? null;
    const { state } = await deps.source.authority(category);
    const isLogged = cut !== null && state === 'open';
    counts.push({ category, writes: isLogged ? await countLog(deps.source, category, cut.sequence) : null });
  }
  return counts;
}

async function countLog(source: FlatSource, category: Category, after: number): Promise<number> {
  let writes = 0;
  for (;;) {
    const page = await source.readChanges(category, after, pageEntries);
    writes += page.entryCount;
    if (page.entryCount < pageEntries) return writes;
    after = page.throughSequence;
  }
}
