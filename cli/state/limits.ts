import type { StateForecast } from '../../lib/migration/forecast.ts';
import type { MigrationSettings, SettingsChange } from '../../lib/migration/settings.ts';
import type { FunctionInvoker } from '../../lib/orchestrator/function-invoker.ts';
import { badValue, positiveNumber } from '../options.ts';

/** Changes what is named, and returns the settings before and after. */
export async function configureState(
  invoker: FunctionInvoker,
  change: SettingsChange,
): Promise<{ readonly before: MigrationSettings; readonly after: MigrationSettings }> {
  const answer = await invoker.invoke('plan-batches', { action: 'configure', change });
  return answer as { before: MigrationSettings; after: MigrationSettings };
}

/** With a run's id the forecast is kept as the one that the run is measured against. */
export async function forecastState(
  invoker: FunctionInvoker,
  request: {
    readonly region: string;
    readonly workers: number;
    readonly recordTypes?: readonly string[];
    readonly runId?: string;
  },
): Promise<StateForecast> {
  return (await invoker.invoke('plan-batches', { action: 'forecast', ...request })) as StateForecast;
}

/** `100/s`, `100` or `off`. Throws a HalError `BadOptionValue`. */
export function perSecond(option: string, given: string): number | null {
  if (/^(off|none|unlimited)$/i.test(given.trim())) return null;
  return positiveNumber(option, given.trim().replace(/\/s$/i, ''));
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** `30s`, `500ms`, `5m` or `1h`, in milliseconds. Throws a HalError `BadOptionValue`. */
export function durationMs(option: string, given: string): number {
  const parts = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(given.trim());
  const factor = unitMs[parts?.[2] ?? ''];
  if (parts !== null && factor !== undefined) return Number(parts[1]) * factor;
  throw badValue(option, given, 'a duration with ms, s, m or h, for example 30s');
}

/** Throws a HalError `BadOptionValue`. */
export function onOrOff(option: string, given: string): boolean {
  const text = given.trim().toLowerCase();
  if (['true', 'on', 'yes'].includes(text)) return true;
  if (['false', 'off', 'no'].includes(text)) return false;
  throw badValue(option, given, 'true or false');
}
