import type { RunForecast, RunForecasts } from '../migration/run-forecast.ts';
import { transaction, uninterrupted, type Interleave } from './interleave.ts';

export function makeMemoryRunForecasts(interleave: Interleave = uninterrupted): RunForecasts {
  const forecasts = new Map<string, RunForecast>();
  return {
    save: (runId, forecast) =>
      transaction(interleave, 'forecasts.save', () => {
        if (!forecasts.has(runId)) forecasts.set(runId, forecast);
      }),
    read: (runId) => transaction(interleave, 'forecasts.read', () => forecasts.get(runId) ?? null),
  };
}
