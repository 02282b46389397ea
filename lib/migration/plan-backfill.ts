import type { Clock } from '../kernel/clock.ts';
import { HalError } from '../kernel/errors.ts';
import { sha256Hex } from '../kernel/sha256.ts';
import { eachRange, readRunProgress } from './backfill-progress.ts';
import type { MigrationDefinition } from './definition.ts';
import { encodeKey } from './key.ts';
import type { FlatSource, KeyRange, RangeQueue, RangeStore, RangeTask } from './ports.ts';
import { tableOf, type MigratedTable } from './table-lookup.ts';

export interface PlanBackfillDeps {
  readonly definition: MigrationDefinition;
  readonly source: FlatSource;
  readonly ranges: RangeStore;
  readonly queue: Pick<RangeQueue, 'send'>;
  readonly clock: Clock;
  /** Default 1,000. */
  readonly rowsPerRange?: number;
}

export interface PlanBackfill {
  /** Plans and sends every range that is not complete. Interrupted or repeated, it finishes what is missing. */
  plan(runId: string, recordTypes?: readonly string[]): Promise<{ readonly sentRanges: number }>;
  /** Sends again what nobody works on; `runId` null means the current run. */
  resume(runId: string | null): Promise<{ readonly sentRanges: number }>;
}

/** Ranges of one planning step: written to the store first, then sent. */
const chunkSize = 25;

export function makePlanBackfill(deps: PlanBackfillDeps): PlanBackfill {
  return {
    async plan(runId, recordTypes) {
      await requireChangeLog(deps.source);
      await deps.ranges.startRun(runId);
      let sentRanges = 0;
      for (const table of chosenTables(deps.definition, recordTypes)) {
        const planned = await deps.ranges.plannedRangeCount(runId, table.recordType);
        sentRanges +=
          planned === null
            ? await planTable(deps, runId, table)
            : await resendTable(deps, runId, table.recordType);
      }
      return { sentRanges };
    },
    async resume(runId) {
      const run = runId ?? (await deps.ranges.currentRun());
      let sentRanges = 0;
      if (run === null) return { sentRanges };
      for (const { recordType } of deps.definition.tables) {
        sentRanges += await resumeTable(deps, run, recordType);
      }
      return { sentRanges };
    },
  };
}

/** The schedule asks every minute, for as long as the system runs: what is finished must cost it one read. */
async function resumeTable(deps: PlanBackfillDeps, runId: string, recordType: string): Promise<number> {
  if ((await deps.ranges.finishedRanges(runId, recordType)) !== null) return 0;
  const sentRanges = await resendTable(deps, runId, recordType);
  // Nothing to send may mean that all is copied, and whoever reads the progress remembers that.
  if (sentRanges === 0) await readRunProgress(deps.ranges, runId, [recordType]);
  return sentRanges;
}

function chosenTables(
  definition: MigrationDefinition,
  recordTypes: readonly string[] | undefined,
): readonly MigratedTable[] {
  return recordTypes?.map((recordType) => tableOf(definition, recordType)) ?? definition.tables;
}

/** Without the log a change during the copy would be lost, so nothing is copied before it is there. */
async function requireChangeLog(source: FlatSource): Promise<void> {
  if (await source.isChangeLogInstalled()) return;
  throw new HalError({
    name: 'ChangeLogMissing',
    message: 'the flat store does not log its changes, or its schema changed since the log was installed',
    remedy: 'install the change log (prepare-source, action install) and plan again',
    exit: 'gateFailed',
  });
}

async function planTable(deps: PlanBackfillDeps, runId: string, table: MigratedTable): Promise<number> {
  const { recordType, category } = table;
  let count = 0;
  let chunk: RangeTask[] = [];
  const flush = async (): Promise<void> => {
    await deps.ranges.plan(chunk);
    await deps.queue.send(chunk);
    count += chunk.length;
    chunk = [];
  };
  for await (const range of deps.source.planRanges(recordType, deps.rowsPerRange ?? 1000)) {
    chunk.push({ runId, rangeId: rangeIdOf(runId, recordType, range), category, recordType, range });
    if (chunk.length === chunkSize) await flush();
  }
  await flush();
  await deps.ranges.closePlan(runId, recordType, count);
  return count;
}

/** Named by its bounds: a plan begun again over changed rows adds ranges, it never gives an old name new bounds. */
function rangeIdOf(runId: string, recordType: string, range: KeyRange): string {
  const [after, upTo] = [range.after, range.upTo].map((bound) => (bound === null ? null : encodeKey(bound)));
  const { segment } = range;
  const bounds = segment === undefined ? [after, upTo] : [after, upTo, segment.index, segment.count];
  return `${runId}/${recordType}/${sha256Hex(JSON.stringify(bounds)).slice(0, 16)}`;
}

async function resendTable(deps: PlanBackfillDeps, runId: string, recordType: string): Promise<number> {
  let sent = 0;
  let chunk: RangeTask[] = [];
  const flush = async (): Promise<void> => {
    if (chunk.length > 0) await deps.queue.send(chunk);
    sent += chunk.length;
    chunk = [];
  };
  for await (const range of eachRange(deps.ranges, runId, recordType)) {
    const isFree = range.state === 'planned' || range.leaseUntilMs <= deps.clock.nowMs();
    if (range.state === 'complete' || !isFree) continue;
    const { rangeId, category, range: bounds } = range;
    chunk.push({ runId, rangeId, category, recordType, range: bounds });
    if (chunk.length === chunkSize) await flush();
  }
  await flush();
  return sent;
}
