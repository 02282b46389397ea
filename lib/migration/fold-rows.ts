import { sha256Bytes } from '../kernel/sha256.ts';
import { isBackfillComplete, readBackfillProgress } from './backfill-progress.ts';
import type { Category } from './category.ts';
import { addTerm, bucketOfHash } from './digest-cells.ts';
import { rowTerm, type RowTerm } from './digest-term.ts';
import { judgeImages, readPosition, type JudgeKeysDeps } from './judge-keys.ts';
import { recordPk } from './key.ts';
import type { RangePage, SourceImage } from './ports.ts';
import type { RecordVersion } from './record.ts';
import {
  countAgreed,
  foldedCategory,
  mostExactKeys,
  type FoldedCategory,
  type StateFold,
} from './state-fold.ts';
import { tablesOf, type MigratedTable } from './table-lookup.ts';

/**
 * Where a category stands before its rows are read; null when its rows are judged one by one: while it is being
 * copied most of them differ.
 */
export async function beginCategory(
  deps: JudgeKeysDeps,
  category: Category,
): Promise<{ readonly folded: FoldedCategory | null; readonly cut: RecordVersion | null }> {
  if (!(await deps.source.isChangeLogInstalled())) return { folded: null, cut: null };
  const cut = await deps.source.lowWatermark(category);
  const { authority, appliedThrough, lowWatermark } = await readPosition(deps, category, cut);
  const isFolded = await isCopied(deps, category);
  return {
    folded: isFolded ? { category, authority, epoch: lowWatermark.epoch, appliedThrough } : null,
    cut,
  };
}

/** Every range of the category's copy is complete. */
export async function isCopied(
  { ranges, definition }: Pick<JudgeKeysDeps, 'ranges' | 'definition'>,
  category: Category,
): Promise<boolean> {
  const runId = await ranges.currentRun();
  if (runId === null) return false;
  for (const { recordType } of tablesOf(definition, category)) {
    if (!isBackfillComplete(await readBackfillProgress(ranges, runId, recordType))) return false;
  }
  return true;
}

interface FoundTerm {
  readonly image: SourceImage;
  readonly keyHash: Buffer;
  readonly term: RowTerm;
}

/** Adds the rows of one page. */
export async function foldRows(
  deps: JudgeKeysDeps,
  fold: StateFold,
  table: MigratedTable,
  page: RangePage,
): Promise<void> {
  const { authority } = foldedCategory(fold, table.category) ?? { authority: 'flat' };
  const nowMs = deps.clock.nowMs();
  const expired: FoundTerm[] = [];
  for (const image of page.images) {
    const { key, row } = image;
    if (row === null) continue;
    const term = rowTerm(key, row, table, authority);
    const keyHash = sha256Bytes(recordPk(key));
    const { expiresAtS } = term;
    if (expiresAtS !== undefined) fold.expiring.add(key.recordType);
    if (expiresAtS !== undefined && expiresAtS * 1000 <= nowMs) expired.push({ image, keyHash, term });
    else addTerm(fold.cells, keyHash, term.hash, 1);
  }
  if (expired.length > 0) await foldExpired(deps, fold, page, { table, expired });
}

/** The store may have dropped what is over; a row whose record is gone for that reason has no difference to show. */
async function foldExpired(
  deps: JudgeKeysDeps,
  fold: StateFold,
  page: RangePage,
  { table, expired }: { readonly table: MigratedTable; readonly expired: readonly FoundTerm[] },
): Promise<void> {
  const images = expired.map(({ image }) => image);
  const { lowWatermark } = page;
  const { settled } = await judgeImages(deps, table.category, { lowWatermark, images });
  const gone = new Set(
    settled.flatMap(({ verdict, stored, key }) =>
      verdict === 'verified' && stored === undefined ? [recordPk(key)] : [],
    ),
  );
  for (const { image, keyHash, term } of expired) {
    if (gone.has(recordPk(image.key))) {
      countAgreed(fold, bucketOfHash(keyHash), table.category, 'verified');
    } else {
      addTerm(fold.cells, keyHash, term.hash, 1);
    }
  }
}

/** After the last row: notes where the change logs stand, and the keys that changed since the beginning. */
export async function closeRows({ source }: JudgeKeysDeps, fold: StateFold): Promise<void> {
  const closedAt: Record<Category, number> = {};
  for (const { category, appliedThrough } of fold.categories) {
    const { sequence } = await source.lowWatermark(category);
    closedAt[category] = sequence;
    let after = appliedThrough;
    while (after < sequence && fold.exact.size < mostExactKeys) {
      const page = await source.readChanges(category, after, 500, sequence);
      if (page.entryCount === 0) break;
      for (const { key } of page.images) {
        if (fold.exact.size < mostExactKeys) fold.exact.add(recordPk(key));
      }
      after = page.throughSequence;
    }
  }
  fold.closedAt = closedAt;
}
