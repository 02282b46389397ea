import type { Category } from './category.ts';
import { convertImage } from './convert-image.ts';
import type { FlatSource, WriteOutcome } from './ports.ts';
import type { RecordKey } from './row.ts';
import { tableOf } from './table-lookup.ts';
import type { WriteImagesDeps } from './write-images.ts';

export interface RepairKeysDeps extends WriteImagesDeps {
  readonly source: FlatSource;
}

export type RepairOutcome =
  | { readonly kind: 'repaired'; readonly written: number; readonly keptNewer: number }
  /** Flat is not the authority; its rows must not be written over the authority's. */
  | { readonly kind: 'not-authority' };

const batchSize = 25;

/**
 * Writes the current content of flat over damaged, missing or extra records. The version is the low watermark of the
 * snapshot that the content was read in, so anything newer on the target stays.
 */
export function makeRepairKeys(
  deps: RepairKeysDeps,
): (category: Category, keys: readonly RecordKey[]) => Promise<RepairOutcome> {
  return async (category, keys) => {
    let written = 0;
    let keptNewer = 0;
    for (let start = 0; start < keys.length; start += batchSize) {
      const outcomes = await repairBatch(deps, category, keys.slice(start, start + batchSize));
      if (outcomes === null) return { kind: 'not-authority' };
      written += outcomes.filter((outcome) => outcome === 'written').length;
      keptNewer += outcomes.filter((outcome) => outcome === 'kept-newer').length;
    }
    return { kind: 'repaired', written, keptNewer };
  };
}

async function repairBatch(
  deps: RepairKeysDeps,
  category: Category,
  keys: readonly RecordKey[],
): Promise<readonly WriteOutcome[] | null> {
  const { lowWatermark, images } = await deps.source.readCurrent(category, keys);
  // An epoch belongs to one side for ever, so asking after the snapshot tells whose content it holds.
  const authority = await deps.source.authority(category);
  if (authority.state === 'following' || authority.epoch !== lowWatermark.epoch) return null;
  const nowMs = deps.clock.nowMs();
  const converted = images.map((image) =>
    convertImage({ ...image, version: lowWatermark }, tableOf(deps.definition, image.key.recordType), {
      nowMs,
    }),
  );
  for (const image of converted) {
    if (image.kind === 'quarantined') await deps.quarantine.put(image.fault);
  }
  return await deps.target.repair(converted.map(({ record }) => record));
}
