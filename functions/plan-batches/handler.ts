import * as z from 'zod/mini';

import { requireCopyTime } from '../../lib/migration/copy-time.ts';
import { readRunProgress, type RunProgress } from '../../lib/migration/backfill-progress.ts';
import { forecastState, type StateForecast } from '../../lib/migration/forecast.ts';
import { makePlanBackfill, type PlanBackfillDeps } from '../../lib/migration/plan-backfill.ts';
import type { RangeQueue } from '../../lib/migration/ports.ts';
import type { RunForecasts } from '../../lib/migration/run-forecast.ts';
import type {
  CopyStop,
  MigrationSettings,
  SettingsChange,
  SettingsStore,
} from '../../lib/migration/settings.ts';

export interface PlanBatchesDeps extends Omit<PlanBackfillDeps, 'rowsPerRange'> {
  readonly queue: RangeQueue;
  /** Where what operators configure is kept. */
  readonly settings: SettingsStore;
  readonly forecasts: RunForecasts;
  /** Instead of the configured batch size. */
  readonly rowsPerRange?: number;
}

type PlanAnswer =
  | { readonly sentRanges: number }
  | RunProgress
  | StateForecast
  | { readonly before: MigrationSettings; readonly after: MigrationSettings };

const runId = z.string().check(z.minLength(1));
const limit = z.optional(z.nullable(z.number()));

const settingsChange = z.strictObject({
  batchSize: z.optional(z.int()),
  rateLimitPerWorker: limit,
  parallelWorkers: limit,
  writeUnitsPerSecond: limit,
  validationMode: z.optional(z.enum(['strict', 'lenient'])),
  quarantineLimit: z.optional(z.int()),
  copy: z.optional(
    z.strictObject({ stopped: z.boolean(), by: z.string(), reason: z.string(), sinceMs: z.number() }),
  ),
  reconciliation: z.optional(
    z.strictObject({
      intervalMs: z.optional(z.number()),
      autoFix: z.optional(z.boolean()),
      alertThreshold: z.optional(z.number()),
    }),
  ),
  switchLimits: z.optional(
    z.strictObject({ relayLagEntries: z.optional(z.int()), stallMs: z.optional(z.number()) }),
  ),
  migrationMode: z.optional(
    z.strictObject({
      enabled: z.boolean(),
      sinceMs: z.number(),
      by: z.string(),
      paused: z.array(z.string()),
      pausedJobs: z.optional(z.array(z.string())),
    }),
  ),
});

const requestSchema = z.discriminatedUnion('action', [
  z.object({ action: z.literal('plan'), runId, recordTypes: z.optional(z.array(z.string())) }),
  z.object({ action: z.literal('resume'), runId }),
  z.object({ action: z.literal('progress'), runId }),
  z.object({ action: z.literal('resume-all') }),
  /** What the schedule asks: only when no range waits for a worker any more. */
  z.object({ action: z.literal('resume-idle') }),
  z.object({ action: z.literal('configure'), change: settingsChange }),
  z.object({
    action: z.literal('forecast'),
    region: z.string(),
    workers: z.int().check(z.gte(1)),
    recordTypes: z.optional(z.array(z.string())),
    /** Keeps the forecast as the one that this run is measured against. */
    runId: z.optional(runId),
  }),
]);

/**
 * Plans a backfill run, sends again what nobody works on, tells how far the run is, forecasts it, or changes its
 * limits. Throws on an event of another shape.
 */
export function makeHandler(deps: PlanBatchesDeps): (event: unknown) => Promise<PlanAnswer> {
  return async (event) => {
    const request = requestSchema.parse(event);
    switch (request.action) {
      case 'plan':
        await requireTime(deps, request);
        return await (await backfillOf(deps)).plan(request.runId, request.recordTypes);
      case 'resume':
        return await resume(deps, request.runId);
      case 'resume-all':
        return await resume(deps, null);
      case 'resume-idle':
        return (await deps.queue.hasWaiting()) ? { sentRanges: 0 } : await resume(deps, null);
      case 'progress':
        return await progressOf(deps, request.runId);
      case 'configure':
        return await deps.settings.change(withoutUndefined(request.change));
      case 'forecast':
        return await forecast(deps, request);
      default:
        return request satisfies never;
    }
  };
}

/** Where the store drops what changes, the copy has to end before. */
async function requireTime(
  deps: PlanBatchesDeps,
  { runId: run, recordTypes }: { readonly runId: string; readonly recordTypes?: string[] | undefined },
): Promise<void> {
  const retention = (await deps.source.retention?.()) ?? null;
  if (retention === null) return;
  const kept = await deps.forecasts.read(run);
  const settings = await deps.settings.read();
  const { seconds } =
    kept?.forecast ??
    (await forecastState(deps, { settings, region: anyRegion, workers: fewestWorkers, recordTypes }));
  requireCopyTime(retention, seconds, deps.clock.nowMs());
}

/** Prices differ by it, times do not. */
const anyRegion = 'us-east-1';
/** Of a deployment that says nothing else. */
const fewestWorkers = 4;

async function backfillOf(deps: PlanBatchesDeps): Promise<ReturnType<typeof makePlanBackfill>> {
  const rowsPerRange = deps.rowsPerRange ?? (await deps.settings.read()).batchSize;
  return makePlanBackfill({ ...deps, rowsPerRange });
}

/** Nobody would take what is sent while the copy is stopped. */
async function resume(deps: PlanBatchesDeps, run: string | null): Promise<{ readonly sentRanges: number }> {
  const { copy } = await deps.settings.read();
  return copy.stopped ? { sentRanges: 0 } : await (await backfillOf(deps)).resume(run);
}

async function progressOf(deps: PlanBatchesDeps, run: string): Promise<RunProgress & { copy: CopyStop }> {
  const recordTypes = deps.definition.tables.map(({ recordType }) => recordType);
  const { copy } = await deps.settings.read();
  return { ...(await readRunProgress(deps.ranges, run, recordTypes)), copy };
}

async function forecast(
  deps: PlanBatchesDeps,
  request: {
    readonly region: string;
    readonly workers: number;
    readonly recordTypes?: string[] | undefined;
    readonly runId?: string | undefined;
  },
): Promise<StateForecast> {
  const settings = await deps.settings.read();
  const found = await forecastState(deps, { ...request, settings });
  if (request.runId !== undefined) {
    await deps.forecasts.save(request.runId, { startedAtMs: deps.clock.nowMs(), forecast: found });
  }
  return found;
}

/** What JSON leaves out is left as it is. */
function withoutUndefined(change: z.infer<typeof settingsChange>): SettingsChange {
  return JSON.parse(JSON.stringify(change)) as SettingsChange;
}
