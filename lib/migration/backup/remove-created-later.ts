import { recordPk } from '../key.ts';
import type { FlatSource, SourceImage } from '../ports.ts';
import type { BackupManifest } from './backup-manifest.ts';
import type { BackupStore } from './ports.ts';
import { readBackupPart } from './read-backup.ts';
import {
  fitsQuarantine,
  restoreEntries,
  type RestoreEntriesDeps,
  type RestoreTask,
} from './restore-entries.ts';

interface Deps extends RestoreEntriesDeps {
  readonly source: FlatSource;
  readonly backups: BackupStore;
}

const pageEntries = 500;
/** Keys that are looked up in the backup at once. */
const keysAtOnce = 50_000;

/**
 * Records created after the checkpoint, by the change log between its cut and the begin of the restore: each goes to
 * quarantine and is deleted. Nothing is done where no change log tells them apart, which is under hierarchical authority
 * and for a backup made before there was a log.
 */
export async function removeCreatedLater(
  deps: Deps,
  manifest: BackupManifest,
  task: RestoreTask,
  throughSequence: number,
): Promise<number> {
  const { cut, category } = task;
  const { state, epoch } = await deps.source.authority(category);
  if (cut === null || state !== 'open' || epoch !== cut.epoch) return 0;
  let removed = 0;
  let after = cut.sequence;
  let candidates = new Map<string, SourceImage>();
  while (after < throughSequence) {
    const page = await deps.source.readChanges(category, after, pageEntries, throughSequence);
    for (const image of page.images) {
      const isUntouched = image.version !== null && image.version.sequence <= throughSequence;
      if (image.row !== null && isUntouched) candidates.set(recordPk(image.key), image);
    }
    const isLast = page.entryCount < pageEntries;
    if (isLast || candidates.size >= keysAtOnce) {
      removed += await removeUnknown(deps, manifest, task, candidates);
      candidates = new Map();
    }
    if (isLast) break;
    after = page.throughSequence;
  }
  return removed;
}

async function removeUnknown(
  deps: Deps,
  manifest: BackupManifest,
  task: RestoreTask,
  candidates: Map<string, SourceImage>,
): Promise<number> {
  if (candidates.size === 0) return 0;
  for (const part of manifest.parts.filter(({ category }) => category === task.category)) {
    const fault = await readBackupPart(deps.backups, part, {
      entries: (entries) => {
        for (const { entry } of entries) candidates.delete(recordPk(entry.key));
        return Promise.resolve();
      },
      damaged: () => Promise.resolve(),
    });
    // What cannot be read may have named any of them.
    if (fault !== null) return 0;
  }
  const gone = [...candidates.values()].filter((image) => fitsQuarantine({ ...image, damaged: null }, task));
  if (task.dryRun) return gone.length;
  let removed = 0;
  for (const { key } of gone) {
    const [outcome] = await restoreEntries(deps, task, [{ key, version: null, row: null }]);
    if (outcome === 'setAside') removed += 1;
  }
  return removed;
}
