import type { StateForecast } from '../../lib/migration/forecast.ts';
import type { ForecastAgainstActual } from '../../lib/migration/run-forecast.ts';
import type { MigrationSettings } from '../../lib/migration/settings.ts';
import type { WorkersSummary } from '../../lib/migration/worker-report.ts';
import { count, duration, share } from './quantities.ts';
import { renderTable } from './table.ts';

const rate = (limit: number | null): string => (limit === null ? 'unlimited' : `${count(limit)}/s`);

/** The limits of the copy, with what all workers together may do. */
export function settingsLines(settings: MigrationSettings): readonly string[] {
  const { rateLimitPerWorker: limit, parallelWorkers: workers, reconciliation, switchLimits } = settings;
  const together =
    limit === null || workers === null ? '' : `, ${count(limit * workers)}/s for ${count(workers)} workers`;
  return [
    `rate limit        ${rate(limit)} records for each worker${together}`,
    `parallel workers  ${workers === null ? 'as many as the deployment starts' : count(workers)}`,
    `write budget      ${rate(settings.writeUnitsPerSecond)} write units for all workers together`,
    `batch size        ${count(settings.batchSize)} rows, ${validationText(settings)}`,
    `reconciliation    every ${duration(reconciliation.intervalMs)}, auto-fix ${reconciliation.autoFix ? 'on' : 'off'}, alert from ${share(reconciliation.alertThreshold)}`,
    `switch            at most ${count(switchLimits.relayLagEntries)} log entries behind, given up after a stall of ${duration(switchLimits.stallMs)}`,
  ];
}

function validationText({ validationMode, quarantineLimit }: MigrationSettings): string {
  return validationMode === 'lenient'
    ? 'lenient validation: what cannot be converted goes to quarantine'
    : `strict validation: the copy stops with more than ${count(quarantineLimit)} records in quarantine`;
}

/** Who stopped the copy and why; nothing while it may run. */
export function stopLines({ copy }: MigrationSettings): readonly string[] {
  if (!copy.stopped) return [];
  return [`stopped by ${copy.by}: ${copy.reason}`];
}

/** What the workers do now, and who was refused by whom. */
export function workerLines(workers: WorkersSummary): readonly string[] {
  if (workers.active.length === 0) return [];
  const causes = new Map<string, number>();
  for (const { heldBackBy } of workers.active) {
    if (heldBackBy !== null) causes.set(heldBackBy, (causes.get(heldBackBy) ?? 0) + 1);
  }
  const held = [...causes].map(([cause, number]) => `${number} held back by ${cause}`).join(', ');
  return [
    `${workers.active.length} workers  ${count(workers.recordsPerSecond)} records/s  ${count(workers.writeUnitsPerSecond)} write units/s${held === '' ? '' : `  (${held})`}`,
    ...workers.throttlings
      .slice(0, 3)
      .map(({ slot, who, why }) => `throttled: worker ${slot} by ${who}: ${why}`),
  ];
}

export function forecastLines(forecast: StateForecast): readonly string[] {
  return [
    renderTable(forecast.categories, [
      { title: 'CATEGORY', value: ({ category }) => category },
      { title: 'RECORDS', align: 'right', value: ({ records }) => count(records) },
      { title: 'SAMPLED', align: 'right', value: ({ sampled }) => count(sampled) },
      { title: 'WRITE UNITS', align: 'right', value: ({ writeUnits }) => count(writeUnits) },
      { title: 'STORED', align: 'right', value: ({ storedBytes }) => megabytes(storedBytes) },
    ]),
    '',
    `about ${duration(forecast.seconds * 1000)} at ${count(forecast.recordsPerSecond)} records/s (bound by ${boundBy[forecast.boundBy]})`,
    `${count(forecast.writeUnits)} write units, ${megabytes(forecast.storedBytes)} stored`,
    ...costLines(forecast),
  ];
}

function costLines({ costUsd, prices, region }: StateForecast): readonly string[] {
  if (costUsd === null || prices === null)
    return [`No price is known for ${region}: multiply the write units by that of its price list.`];
  return [
    `${usd(costUsd.total)}: writes ${usd(costUsd.writes)}, one verification ${usd(costUsd.verification)}, queues ${usd(costUsd.queues)}, functions ${usd(costUsd.functions)}; then ${usd(costUsd.storagePerMonth)} a month of storage`,
    `prices of ${prices.region} as of ${prices.asOf}: ${prices.source}.`,
  ];
}

const boundBy: Readonly<Record<StateForecast['boundBy'], string>> = {
  table: 'a cold table',
  budget: 'the write budget',
  'rate-limit': 'the rate limit',
  workers: 'the workers',
};

/** `forecast 12s, so far 14s; ...` */
export function againstLines({ forecast, actual }: ForecastAgainstActual): readonly string[] {
  const verb = actual.complete ? 'took' : 'so far';
  return [
    `time         forecast ${duration(forecast.seconds * 1000)}, ${verb} ${duration(actual.seconds * 1000)}`,
    `records      forecast ${count(forecast.records)}, ${verb} ${count(actual.records)}`,
    `write units  forecast ${count(forecast.writeUnits)}, ${verb} ${count(actual.writeUnits)}`,
    ...writesLines({ forecast, actual }, verb),
  ];
}

function writesLines(
  { forecast, actual }: Pick<ForecastAgainstActual, 'forecast' | 'actual'>,
  verb: string,
): readonly string[] {
  const { costUsd, prices } = forecast;
  if (costUsd === null || prices === null || actual.writesUsd === null) return [];
  return [
    `writes       forecast ${usd(costUsd.writes)}, ${verb} ${usd(actual.writesUsd)} (prices as of ${prices.asOf})`,
  ];
}

function megabytes(bytes: number): string {
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
}

function usd(amount: number): string {
  return amount < 0.01 ? `$${amount.toFixed(5)}` : `$${amount.toFixed(2)}`;
}
