import { isBackfillComplete, readBackfillProgress } from './backfill-progress.ts';
import type { Category } from './category.ts';
import type { MigrationDefinition } from './definition.ts';
import { isLogOpen } from './is-log-open.ts';
import type {
  FlatAuthority,
  FlatSource,
  QuarantineStore,
  RangeCounts,
  RangeStore,
  RelayStore,
  ReversePendingStore,
  SwitchRecord,
  SwitchStore,
} from './ports.ts';
import { categoriesOf, tablesOf } from './table-lookup.ts';

export interface StateStatusDeps {
  readonly definition: MigrationDefinition;
  readonly source: FlatSource;
  readonly ranges: RangeStore;
  readonly relay: RelayStore;
  readonly reversePending: ReversePendingStore;
  readonly quarantine: QuarantineStore;
  readonly switches: SwitchStore;
}

export interface CategoryStatus {
  readonly category: Category;
  readonly authority: FlatAuthority;
  readonly switch: SwitchRecord | null;
  /** Rows of the flat store now. */
  readonly rows: number;
  readonly backfill: {
    readonly plannedRanges: number;
    readonly completeRanges: number;
    readonly complete: boolean;
    readonly counts: RangeCounts;
  };
  readonly relay: {
    readonly appliedThrough: number;
    readonly lastSequence: number;
    /** At most 100 are counted. */
    readonly openBatches: number;
  };
  /** Hierarchical writes that flat does not have yet. */
  readonly reversePending: number;
  readonly quarantined: number;
}

/** Where every category stands. Read piece by piece while everything moves: a picture for people, not a cut. */
export async function readStateStatus(deps: StateStatusDeps): Promise<readonly CategoryStatus[]> {
  const runId = await deps.ranges.currentRun();
  return await Promise.all(
    categoriesOf(deps.definition).map((category) => readCategory(deps, category, runId)),
  );
}

async function readCategory(
  deps: StateStatusDeps,
  category: Category,
  runId: string | null,
): Promise<CategoryStatus> {
  const [authority, last, rows, backfill, relay, quarantined] = await Promise.all([
    deps.source.authority(category),
    deps.switches.current(category),
    countRows(deps, category),
    readBackfill(deps, category, runId),
    readRelay(deps, category),
    deps.quarantine.count(category),
  ]);
  // Entries are made under hierarchical authority alone, and flat opens only when none is left.
  const reversePending = authority.state === 'following' ? await deps.reversePending.count(category) : 0;
  return { category, authority, switch: last, rows, backfill, relay, reversePending, quarantined };
}

async function countRows(deps: StateStatusDeps, category: Category): Promise<number> {
  let rows = 0;
  for (const { recordType } of tablesOf(deps.definition, category)) {
    rows += await deps.source.countRows(recordType);
  }
  return rows;
}

async function readBackfill(
  deps: StateStatusDeps,
  category: Category,
  runId: string | null,
): Promise<CategoryStatus['backfill']> {
  const tables = tablesOf(deps.definition, category);
  const progresses =
    runId === null
      ? []
      : await Promise.all(
          tables.map(({ recordType }) => readBackfillProgress(deps.ranges, runId, recordType)),
        );
  const counts = { read: 0, written: 0, kept: 0, quarantined: 0 };
  let plannedRanges = 0;
  let completeRanges = 0;
  for (const progress of progresses) {
    plannedRanges += progress.completeRanges + progress.openRanges;
    completeRanges += progress.completeRanges;
    counts.read += progress.counts.read;
    counts.written += progress.counts.written;
    counts.kept += progress.counts.kept;
    counts.quarantined += progress.counts.quarantined;
  }
  const complete = progresses.length > 0 && progresses.every(isBackfillComplete);
  return { plannedRanges, completeRanges, complete, counts };
}

async function readRelay(deps: StateStatusDeps, category: Category): Promise<CategoryStatus['relay']> {
  const cursor = await deps.relay.cursor(category);
  const open = await deps.relay.pending(category, 100);
  const { sequence } = await deps.source.lowWatermark(category);
  const [oldest] = open;
  const appliedThrough = oldest === undefined ? cursor : Math.min(cursor, oldest.afterSequence);
  const span = { after: appliedThrough, through: sequence };
  const isOpen = open.length > 0 || (await isLogOpen(deps.source, category, span));
  // Changes of other categories are no lag of this one, and nothing would ever make up for them.
  return { appliedThrough, lastSequence: isOpen ? sequence : appliedThrough, openBatches: open.length };
}
