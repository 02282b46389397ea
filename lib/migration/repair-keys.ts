import type { Category } from './category.ts';
import { convertImage } from './convert-image.ts';
import { mendFlat } from './mend-flat.ts';
import type { FlatSource, WriteOutcome } from './ports.ts';
import { compareVersions } from './record.ts';
import type { RecordKey } from './row.ts';
import { tableOf } from './table-lookup.ts';
import type { WriteImagesDeps } from './write-images.ts';

export interface RepairKeysDeps extends WriteImagesDeps {
  readonly source: FlatSource;
}

export type RepairOutcome =
  | {
      readonly kind: 'repaired';
      readonly written: number;
      readonly keptNewer: number;
      /** Keys that changed after the low watermark: their own change brings them right, or the next repair. */
      readonly changed: number;
      /** Rows of flat that no sound record says anything about. */
      readonly refused: number;
    }
  /** Authority moved meanwhile: what was read must not be written over what it says now. */
  | { readonly kind: 'not-authority' };

const batchSize = 25;

/**
 * Writes the current content of flat over damaged, missing or extra records; an extra one becomes a tombstone. The
 * version is a low watermark from before the content was read, and a key with a change above it is left alone: what
 * is written is the content at that version, and anything newer on the target stays. Where flat follows, it is its rows
 * that are mended, by what the records say.
 */
export function makeRepairKeys(
  deps: RepairKeysDeps,
): (category: Category, keys: readonly RecordKey[]) => Promise<RepairOutcome> {
  return async (category, keys) => {
    const totals = { written: 0, keptNewer: 0, changed: 0, refused: 0 };
    const isMended = (await deps.source.authority(category)).state === 'following';
    for (let start = 0; start < keys.length; start += batchSize) {
      const some = keys.slice(start, start + batchSize);
      if (isMended) {
        const mended = await mendFlat(deps, category, some);
        totals.written += mended.written;
        totals.keptNewer += mended.keptNewer;
        totals.refused += mended.refused;
        continue;
      }
      const batch = await repairBatch(deps, category, some);
      if (batch === null) return { kind: 'not-authority' };
      totals.written += batch.outcomes.filter((outcome) => outcome === 'written').length;
      totals.keptNewer += batch.outcomes.filter((outcome) => outcome === 'kept-newer').length;
      totals.changed += batch.changed;
    }
    return { kind: 'repaired', ...totals };
  };
}

async function repairBatch(
  deps: RepairKeysDeps,
  category: Category,
  keys: readonly RecordKey[],
): Promise<{ readonly outcomes: readonly WriteOutcome[]; readonly changed: number } | null> {
  const lowWatermark = await deps.source.lowWatermark(category);
  const snapshot = await deps.source.readCurrent(category, keys);
  // An epoch belongs to one side for ever, so asking after the snapshot tells whose content it holds.
  const authority = await deps.source.authority(category);
  if (authority.state === 'following' || authority.epoch !== lowWatermark.epoch) return null;
  const images = snapshot.images.filter(
    ({ version }) => version === null || compareVersions(version, lowWatermark) <= 0,
  );
  const nowMs = deps.clock.nowMs();
  const converted = images.map((image) =>
    convertImage({ ...image, version: lowWatermark }, tableOf(deps.definition, image.key.recordType), {
      nowMs,
    }),
  );
  for (const image of converted) {
    if (image.kind === 'quarantined') await deps.quarantine.put(image.fault);
  }
  const outcomes = await deps.target.repair(converted.map(({ record }) => record));
  return { outcomes, changed: keys.length - images.length };
}
