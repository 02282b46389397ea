import { describe, expect, it } from 'vitest';

import { forecastLines } from '../../../cli/output/limit-views.ts';
import { makeHandler as makePlanBatches } from '../../../functions/plan-batches/handler.ts';
import { makeMemoryBudgetLine } from '../../../lib/memory/budget-line.ts';
import { makeMemoryRunForecasts } from '../../../lib/memory/run-forecasts.ts';
import { makeMemorySettingsStore } from '../../../lib/memory/settings-store.ts';
import { makeMemoryWorkerSlots } from '../../../lib/memory/worker-slots.ts';
import { forecastState, type StateForecast } from '../../../lib/migration/forecast.ts';
import { makeMigrateRange } from '../../../lib/migration/migrate-range.ts';
import { readStateDescription } from '../../../lib/migration/read-description.ts';
import { defaultSettings } from '../../../lib/migration/settings.ts';
import { makeWorkerThrottle } from '../../../lib/migration/worker-throttle.ts';
import { migrationInMemory } from './migration-in-memory.ts';

const given = { settings: defaultSettings, region: 'us-east-1', workers: 4 };

async function withRows(rows: number, payload: string) {
  const migration = migrationInMemory();
  await migration.source.installChangeLog();
  for (let row = 0; row < rows; row += 1) await migration.put(`row-${row}`, payload);
  return migration;
}

describe('a forecast of the copy', () => {
  it('counts every row and reckons units, bytes and dollars from a few of them', async () => {
    const { deps } = await withRows(400, 'x'.repeat(1_500));

    const forecast = await forecastState(deps, { ...given, recordTypes: ['session'] });

    expect(forecast.categories).toMatchObject([{ category: 'user-sessions', records: 400, sampled: 100 }]);
    expect(forecast.writeUnits).toBe(800);
    expect(forecast.storedBytes).toBeGreaterThan(400 * 1_500);
    // One range of 1,000 rows: eight units beside those of the records.
    expect(forecast.costUsd?.writes).toBeCloseTo((808 * 0.625) / 1e6, 10);
    expect(forecast.prices).toMatchObject({ region: 'us-east-1', asOf: '2024-11-01' });
  });

  it('says what binds the copy: the table, the budget or the rate limit of the workers', async () => {
    const { deps } = await withRows(40, 'x'.repeat(1_500));
    const boundWith = async (limits: Partial<typeof defaultSettings>) => {
      const settings = { ...defaultSettings, ...limits };
      const { boundBy, recordsPerSecond } = await forecastState(deps, { ...given, settings });
      return { boundBy, recordsPerSecond };
    };

    expect(await boundWith({})).toEqual({ boundBy: 'table', recordsPerSecond: 2_000 });
    expect(await boundWith({ rateLimitPerWorker: 100, parallelWorkers: 4 })).toEqual({
      boundBy: 'rate-limit',
      recordsPerSecond: 400,
    });
    expect(await boundWith({ writeUnitsPerSecond: 1_000 })).toEqual({
      boundBy: 'budget',
      recordsPerSecond: 250,
    });
  });

  it.each([
    ['eu-west-1', 0.705],
    ['eu-central-1', 0.7625],
    ['ap-northeast-1', 0.715],
  ])('has the prices of %s itself', async (region, perMillionWriteUnits) => {
    const { deps } = await withRows(1, 'x');

    const { prices, costUsd } = await forecastState(deps, { ...given, region });

    expect(prices).toMatchObject({ region, perMillionWriteUnits });
    expect(costUsd?.writes).toBeCloseTo((9 * perMillionWriteUnits) / 1e6, 10);
  });

  it('says that no price is known for a Region that is not in the table', async () => {
    const { deps } = await withRows(1, 'x');

    const forecast = await forecastState(deps, { ...given, region: 'mars-north-1' });

    expect(forecast).toMatchObject({ region: 'mars-north-1', prices: null, costUsd: null, writeUnits: 1 });
    expect(forecastLines(forecast).join('\n')).toMatch(/No price is known for mars-north-1/);
    expect(forecastLines(forecast).join('\n')).not.toContain('$');
  });

  it('stands beside what the run really took', async () => {
    const migration = await withRows(300, 'x'.repeat(900));
    const settings = makeMemorySettingsStore();
    const slots = makeMemoryWorkerSlots();
    const forecasts = makeMemoryRunForecasts();
    const line = makeMemoryBudgetLine();
    const throttle = makeWorkerThrottle({ ...migration.deps, settings, slots, line });
    const planBatches = makePlanBatches({
      ...migration.deps,
      queue: migration.rangeQueue,
      settings,
      forecasts,
    });
    await planBatches({ action: 'configure', change: { rateLimitPerWorker: 50 } });

    const forecast = (await planBatches({
      action: 'forecast',
      region: 'us-east-1',
      workers: 1,
      runId: 'run',
    })) as StateForecast;
    await planBatches({ action: 'plan', runId: 'run' });
    const migrateRange = makeMigrateRange({
      ...migration.deps,
      throttle,
      target: throttle.gated(migration.target, 'copy'),
    });
    for (const task of migration.tasks.splice(0)) await migrateRange(task, 'worker');

    const described = await readStateDescription({ ...migration.deps, settings, slots, forecasts });
    expect(forecast.seconds).toBeCloseTo(6, 0);
    expect(described.forecast?.forecast).toEqual(forecast);
    expect(described.forecast?.actual).toMatchObject({ complete: true, records: 300, writeUnits: 600 });
    expect(described.forecast?.actual.seconds).toBeGreaterThan(5);
    expect(described.forecast?.actual.seconds).toBeLessThan(7);
  });
});

describe('as many workers as are allowed', () => {
  it('copy at once; a range that finds no slot stays for whoever resumes the run', async () => {
    const migration = await withRows(3, 'x');
    const settings = makeMemorySettingsStore();
    const slots = makeMemoryWorkerSlots();
    await settings.change({ parallelWorkers: 1 });
    await slots.take('somebody', 1, migration.time.nowMs, 30_000);
    const throttle = makeWorkerThrottle({ ...migration.deps, settings, slots, line: makeMemoryBudgetLine() });
    const planBatches = makePlanBatches({
      ...migration.deps,
      queue: migration.rangeQueue,
      settings,
      forecasts: makeMemoryRunForecasts(),
    });
    await planBatches({ action: 'plan', runId: 'run', recordTypes: ['session'] });
    const [task] = migration.tasks.splice(0);

    expect(await makeMigrateRange({ ...migration.deps, throttle })(task!, 'worker')).toEqual({
      kind: 'no-slot',
    });

    await planBatches({ action: 'resume', runId: 'run' });
    expect(migration.tasks).toHaveLength(1);
  });
});
