import type { Clock, Sleeper } from '../kernel/clock.ts';
import { isBackfillComplete, readBackfillProgress } from './backfill-progress.ts';
import type { Category } from './category.ts';
import { compareRecord, type Verdict } from './compare-record.ts';
import type { MigrationDefinition } from './definition.ts';
import { recordPk } from './key.ts';
import type { FlatSource, RangeStore, RelayStore, SourceImage, TargetStore } from './ports.ts';
import { compareVersions, type RecordOrigin, type RecordVersion, type StoredRecord } from './record.ts';
import type { RecordKey } from './row.ts';
import { tableOf } from './table-lookup.ts';

export interface JudgeKeysDeps {
  readonly definition: MigrationDefinition;
  readonly source: FlatSource;
  readonly target: TargetStore;
  readonly relay: RelayStore;
  readonly ranges: RangeStore;
  readonly clock: Clock;
  readonly sleeper: Sleeper;
}

export interface JudgedKey {
  readonly key: RecordKey;
  readonly verdict: Verdict | 'pending';
  readonly image: SourceImage;
  readonly stored: StoredRecord | undefined;
  readonly authority: RecordOrigin;
}

export interface ImageSnapshot {
  readonly lowWatermark: RecordVersion;
  readonly images: readonly SourceImage[];
}

/** A difference is looked at again this often before it counts: the change may be on its way. */
const rechecks = 3;
export const recheckAfterMs = 250;

export interface Judgement {
  readonly settled: readonly JudgedKey[];
  /** Keys that differed at the first look. */
  readonly unsettled: readonly RecordKey[];
}

/** Judges the keys of one snapshot, all of one category, while both sides keep changing. */
export async function judgeImages(
  deps: JudgeKeysDeps,
  category: Category,
  snapshot: ImageSnapshot,
): Promise<Judgement> {
  const results = await judgeOnce(deps, category, snapshot);
  return {
    settled: results.filter(({ verdict }) => isSettled(verdict)),
    unsettled: results.filter(({ verdict }) => !isSettled(verdict)).map(({ key }) => key),
  };
}

/**
 * Looks again and again at keys that differed; what still differs then does. What is known to be on its way is looked
 * at `pendingRechecks` times, where the caller has that patience. Holds their keys only, not their rows.
 */
export async function judgeAgain(
  deps: JudgeKeysDeps,
  category: Category,
  keys: readonly RecordKey[],
  pendingRechecks = rechecks,
): Promise<readonly JudgedKey[]> {
  const settled: JudgedKey[] = [];
  let open = keys;
  for (let round = 1; ; round += 1) {
    await deps.sleeper.sleep(recheckAfterMs);
    const results = await judgeOnce(deps, category, await deps.source.readCurrent(category, open));
    const isOpen = ({ verdict }: JudgedKey): boolean =>
      verdict === 'pending' ? round < pendingRechecks : !isSettled(verdict) && round < rechecks;
    settled.push(...results.filter((judged) => !isOpen(judged)));
    open = results.filter(isOpen).map(({ key }) => key);
    if (open.length === 0) return settled;
  }
}

function isSettled(verdict: Verdict | 'pending'): boolean {
  return (
    verdict === 'verified' || verdict === 'quarantined' || verdict === 'tombstoned' || verdict === 'absent'
  );
}

/** What is known about a category between the read of the flat side and that of the hierarchical side. */
interface Position {
  readonly authority: RecordOrigin;
  readonly lowWatermark: RecordVersion;
  /** Changes up to here were applied before the target is read. */
  readonly appliedThrough: number;
}

async function judgeOnce(
  deps: JudgeKeysDeps,
  category: Category,
  snapshot: ImageSnapshot,
): Promise<readonly JudgedKey[]> {
  if (snapshot.images.length === 0) return [];
  const position = await readPosition(deps, category, snapshot.lowWatermark);
  const stored = await deps.target.read(snapshot.images.map(({ key }) => key));
  const absent = snapshot.images.filter(({ key }) => !stored.has(recordPk(key)));
  const runId = absent.length === 0 ? null : await deps.ranges.currentRun();
  const nothingCopied = absent.length > 0 && runId === null;
  const copying = await copyingTypes(
    deps.ranges,
    runId,
    absent.filter(({ version }) => version === null),
  );
  const nowMs = deps.clock.nowMs();
  return snapshot.images.map((image) => {
    const { key } = image;
    const record = stored.get(recordPk(key));
    const { authority } = position;
    const isAwaited = record === undefined && image.version === null && copying.has(key.recordType);
    const verdict =
      isAwaited || isPending(image, record, position)
        ? 'pending'
        : compareRecord({ row: image.row, stored: record }, tableOf(deps.definition, key.recordType), {
            nowMs,
            authority,
            nothingCopied,
          });
    return { key, verdict, image, stored: record, authority };
  });
}

export async function readPosition(
  deps: JudgeKeysDeps,
  category: Category,
  lowWatermark: RecordVersion,
): Promise<Position> {
  const flat = await deps.source.authority(category);
  const cursor = await deps.relay.cursor(category);
  const [oldest] = await deps.relay.pending(category, 1);
  return {
    authority: flat.state === 'following' ? 'hierarchical' : 'flat',
    lowWatermark,
    appliedThrough: oldest === undefined ? cursor : Math.min(cursor, oldest.afterSequence),
  };
}

/** Record types of rows that the copy has not reached: only these rows are expected to be absent. */
async function copyingTypes(
  ranges: RangeStore,
  runId: string | null,
  images: readonly SourceImage[],
): Promise<ReadonlySet<string>> {
  const copying = new Set<string>();
  // Without a run nobody is copying, and what is missing is missing.
  if (runId === null) return copying;
  for (const recordType of new Set(images.map(({ key }) => key.recordType))) {
    if (!isBackfillComplete(await readBackfillProgress(ranges, runId, recordType))) copying.add(recordType);
  }
  return copying;
}

/** True while the versions say that the follower need not have the authority's content yet. */
function isPending(image: SourceImage, stored: StoredRecord | undefined, position: Position): boolean {
  // Damage is no change on its way, whatever version it claims.
  if (stored !== undefined && !stored.intact) return false;
  if (position.authority === 'hierarchical') return isAheadOfFlat(image, stored);
  if (stored !== undefined && compareVersions(stored.version, position.lowWatermark) > 0) return true;
  const { version } = image;
  if (version === null) return false;
  const isBehind = stored === undefined || compareVersions(stored.version, version) < 0;
  // A version of an earlier hierarchical authority is not in the log; that switch was drained.
  const isLogged = version.epoch === position.lowWatermark.epoch || stored === undefined;
  return isBehind && isLogged && version.sequence > position.appliedThrough;
}

function isAheadOfFlat(image: SourceImage, stored: StoredRecord | undefined): boolean {
  if (stored === undefined || stored.origin !== 'hierarchical') return false;
  return image.version === null || compareVersions(image.version, stored.version) < 0;
}
