import type { Clock } from '../kernel/clock.ts';
import { openLogGaps } from './log-gaps.ts';
import { againstActual, type RunForecasts } from './run-forecast.ts';
import type { SettingsStore } from './settings.ts';
import { copyProgress, type StateDescription } from './state-description.ts';
import { readStateStatus, type CategoryStatus, type StateStatusDeps } from './state-status.ts';
import { categoriesOf } from './table-lookup.ts';
import { summarizeWorkers, type WorkersSummary, type WorkerSlots } from './worker-report.ts';

export interface StateDescriptionDeps extends StateStatusDeps {
  readonly settings: SettingsStore;
  readonly slots: Pick<WorkerSlots, 'list'>;
  readonly forecasts: Pick<RunForecasts, 'read'>;
  readonly clock: Clock;
}

/** Everything that an operator is shown of the state. */
export async function readStateDescription(deps: StateDescriptionDeps): Promise<StateDescription> {
  const nowMs = deps.clock.nowMs();
  const changeLogInstalled = await deps.source.isChangeLogInstalled();
  const heldLog = (await deps.source.heldLog?.()) ?? null;
  const isReadable = changeLogInstalled && heldLog?.isLost !== true;
  const [settings, reports, categories, logGaps] = await Promise.all([
    deps.settings.read(),
    deps.slots.list(),
    isReadable ? readStateStatus(deps) : Promise.resolve([]),
    isReadable ? openLogGaps(deps.source, categoriesOf(deps.definition)) : Promise.resolve([]),
  ]);
  const workers = summarizeWorkers(reports, nowMs);
  const forecast = await readForecast(deps, categories, workers, nowMs);
  return { changeLogInstalled, heldLog, logGaps, categories, settings, workers, forecast };
}

async function readForecast(
  deps: StateDescriptionDeps,
  categories: readonly CategoryStatus[],
  workers: WorkersSummary,
  nowMs: number,
): Promise<StateDescription['forecast']> {
  const runId = await deps.ranges.currentRun();
  const begun = runId === null ? null : await deps.forecasts.read(runId);
  if (begun === null) return null;
  const { copiedRows, complete } = copyProgress(categories);
  return againstActual(begun, { records: copiedRows, complete }, workers, nowMs);
}
