import type { Category } from '../category.ts';
import { convertRow } from '../convert-image.ts';
import type { MigrationDefinition } from '../definition.ts';
import { isLogOpen } from '../is-log-open.ts';
import { readPosition, type JudgeKeysDeps } from '../judge-keys.ts';
import { recordPk } from '../key.ts';
import type { ReversePendingStore, SourceImage } from '../ports.ts';
import { compareVersions, type RecordVersion, type StoredRecord } from '../record.ts';
import { tableOf, tablesOf } from '../table-lookup.ts';
import type { EditionRecord } from './ports.ts';

export interface CollectCutDeps extends JudgeKeysDeps {
  readonly reversePending: Pick<ReversePendingStore, 'count'>;
}

export type CollectedCut =
  | { readonly kind: 'collected'; readonly records: readonly EditionRecord[] }
  /** Changes are on their way, or are made faster than they can be read. */
  | { readonly kind: 'pending' }
  /** Records that would be left out or wrong: quarantined, missing or not what flat says. */
  | { readonly kind: 'unfit'; readonly pks: readonly string[] }
  | { readonly kind: 'too-many'; readonly most: number };

/** An edition is read as a whole by every reader: it is for what is small. */
const mostEditionRecords = 10_000;

/** All records of a category at one instant, each of them verified on both sides. */
export async function collectCut(deps: CollectCutDeps, category: Category): Promise<CollectedCut> {
  const before = await readRows(deps, category);
  if (before === null) return { kind: 'too-many', most: mostEditionRecords };
  if (!before.isOneCut) return { kind: 'pending' };
  const position = await readPosition(deps, category, before.lowWatermark);
  return position.authority === 'flat'
    ? await collectFlat(deps, category, before, position.appliedThrough)
    : await collectHierarchical(deps, category, before);
}

interface ReadRows {
  readonly images: readonly SourceImage[];
  readonly lowWatermark: RecordVersion;
  /** False when the category changed while its tables were read one after the other. */
  readonly isOneCut: boolean;
}

/** Each table in one snapshot; null when there are too many rows. */
async function readRows(
  { source, definition }: Pick<CollectCutDeps, 'source' | 'definition'>,
  category: Category,
): Promise<ReadRows | null> {
  const first = await source.lowWatermark(category);
  const images: SourceImage[] = [];
  let isOneCut = true;
  for (const { recordType } of tablesOf(definition, category)) {
    const left = mostEditionRecords - images.length;
    const page = await source.readRange(recordType, { after: null, upTo: null }, left + 1);
    if (page.images.length > left || page.nextAfter !== null) return null;
    images.push(...page.images);
  }
  const lowWatermark = await source.lowWatermark(category);
  if (compareVersions(first, lowWatermark) !== 0) isOneCut = false;
  return { images, lowWatermark, isOneCut };
}

/** What flat says at the cut, where the target has it too or has something newer by now. */
async function collectFlat(
  deps: CollectCutDeps,
  category: Category,
  { images, lowWatermark }: ReadRows,
  appliedThrough: number,
): Promise<CollectedCut> {
  if (await isLogOpen(deps.source, category, { after: appliedThrough, through: lowWatermark.sequence })) {
    return { kind: 'pending' };
  }
  const stored = await deps.target.read(images.map(({ key }) => key));
  const records: EditionRecord[] = [];
  const unfit: string[] = [];
  for (const image of images) {
    const pk = recordPk(image.key);
    const body = bodyAtCut(deps, image);
    if (body !== null && isOnTarget(stored.get(pk), body, lowWatermark)) records.push({ pk, body });
    else unfit.push(pk);
  }
  return unfit.length > 0 ? { kind: 'unfit', pks: unfit } : { kind: 'collected', records };
}

function bodyAtCut(
  { definition, clock }: { readonly definition: MigrationDefinition } & Pick<CollectCutDeps, 'clock'>,
  { key, row }: SourceImage,
): string | null {
  if (row === null) return null;
  const form = convertRow(row, tableOf(definition, key.recordType), clock.nowMs());
  return form.kind === 'converted' ? form.body : null;
}

function isOnTarget(stored: StoredRecord | undefined, body: string, cut: RecordVersion): boolean {
  if (stored === undefined || !stored.intact) return false;
  return compareVersions(stored.version, cut) > 0 || stored.body === body;
}

/**
 * The store of the authority has no snapshots. Rows and records are read twice, and between them nothing was pending
 * on its way to flat: what is the same both times was so at that instant, all of it.
 */
async function collectHierarchical(
  deps: CollectCutDeps,
  category: Category,
  before: ReadRows,
): Promise<CollectedCut> {
  const first = await deps.target.read(before.images.map(({ key }) => key));
  if ((await deps.reversePending.count(category)) > 0) return { kind: 'pending' };
  const after = await readRows(deps, category);
  if (after === null || !after.isOneCut) return { kind: 'pending' };
  const second = await deps.target.read(after.images.map(({ key }) => key));
  if (!isSameRead(before, after) || !isSameRecords(first, second)) return { kind: 'pending' };
  const records: EditionRecord[] = [];
  const unfit: string[] = [];
  for (const { key } of after.images) {
    const pk = recordPk(key);
    const stored = second.get(pk);
    if (stored?.intact === true && stored.body !== null) records.push({ pk, body: stored.body });
    else unfit.push(pk);
  }
  return unfit.length > 0 ? { kind: 'unfit', pks: unfit } : { kind: 'collected', records };
}

function isSameRead(before: ReadRows, after: ReadRows): boolean {
  const keys = ({ images }: ReadRows): string => images.map(({ key }) => recordPk(key)).join('\n');
  return keys(before) === keys(after);
}

function isSameRecords(
  first: ReadonlyMap<string, StoredRecord>,
  second: ReadonlyMap<string, StoredRecord>,
): boolean {
  return first.size === second.size && [...first].every(([pk, { hash }]) => second.get(pk)?.hash === hash);
}
