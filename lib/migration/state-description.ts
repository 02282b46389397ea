import type { Category } from './category.ts';
import type { ForecastAgainstActual } from './run-forecast.ts';
import type { HeldLog } from './ports.ts';
import type { MigrationSettings } from './settings.ts';
import type { CategoryStatus } from './state-status.ts';
import type { WorkersSummary } from './worker-report.ts';

/** Answer of the function `describe-state`. */
export interface StateDescription {
  /** False before the first `state migrate`: nothing is logged, nothing is copied. */
  readonly changeLogInstalled: boolean;
  /** What the server of the flat store keeps for the migration; null where it keeps nothing. */
  readonly heldLog: HeldLog | null;
  /** Categories whose log was lost for a while, and that nobody has compared completely since. */
  readonly logGaps: readonly Category[];
  /** Empty before the first `state migrate`, and while the held log is lost: nothing can be told of them. */
  readonly categories: readonly CategoryStatus[];
  readonly settings: MigrationSettings;
  readonly workers: WorkersSummary;
  /** Null until a copy was begun. */
  readonly forecast: ForecastAgainstActual | null;
}

/** Rows copied so far and rows to copy, over the given categories. */
export interface CopyProgress {
  readonly rows: number;
  readonly copiedRows: number;
  readonly quarantined: number;
  readonly complete: boolean;
  /** Log entries not known to be applied. */
  readonly lagEntries: number;
}

export function copyProgress(categories: readonly CategoryStatus[]): CopyProgress {
  const total = { rows: 0, copiedRows: 0, quarantined: 0, lagEntries: 0 };
  for (const { rows, backfill, quarantined, relay } of categories) {
    total.rows += rows;
    total.copiedRows += Math.min(backfill.counts.read, rows);
    total.quarantined += quarantined;
    total.lagEntries += Math.max(0, relay.lastSequence - relay.appliedThrough);
  }
  const complete = categories.length > 0 && categories.every(({ backfill }) => backfill.complete);
  return { ...total, complete };
}
