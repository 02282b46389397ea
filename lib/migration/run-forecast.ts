import type { StateForecast } from './forecast.ts';
import type { WorkersSummary } from './worker-report.ts';

/** What was forecast when a copy began. */
export interface RunForecast {
  readonly startedAtMs: number;
  readonly forecast: StateForecast;
}

/** Adapters: `lib/aws/run-forecasts.ts`, `lib/memory/run-forecasts.ts`. */
export interface RunForecasts {
  /** The first forecast of a run stays: what is measured against it began then. */
  save(runId: string, forecast: RunForecast): Promise<void>;
  read(runId: string): Promise<RunForecast | null>;
}

export interface ForecastAgainstActual {
  readonly forecast: StateForecast;
  readonly startedAtMs: number;
  readonly actual: {
    readonly complete: boolean;
    /** Until the last page that was written, once the copy is complete. */
    readonly seconds: number;
    readonly records: number;
    readonly writeUnits: number;
    /** Of the write units alone, at the prices of the forecast; null where it has none. */
    readonly writesUsd: number | null;
  };
}

export function againstActual(
  { forecast, startedAtMs }: RunForecast,
  copy: { readonly records: number; readonly complete: boolean },
  workers: Pick<WorkersSummary, 'totalWriteUnits' | 'lastReportMs'>,
  nowMs: number,
): ForecastAgainstActual {
  const endMs = copy.complete ? (workers.lastReportMs ?? nowMs) : nowMs;
  const { prices } = forecast;
  return {
    forecast,
    startedAtMs,
    actual: {
      ...copy,
      seconds: Math.max(0, (endMs - startedAtMs) / 1_000),
      writeUnits: workers.totalWriteUnits,
      writesUsd: prices === null ? null : (workers.totalWriteUnits * prices.perMillionWriteUnits) / 1e6,
    },
  };
}
