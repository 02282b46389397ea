import type { MigrationSettings } from '../../lib/migration/settings.ts';
import { copyProgress, type StateDescription } from '../../lib/migration/state-description.ts';
import { driftOf, totalOf, type VerificationReport } from '../../lib/migration/verification-report.ts';
import type { AlarmStatus } from '../../lib/monitoring/ports.ts';

/** Both sides at one moment. */
export interface Look {
  readonly atMs: number;
  readonly outcome: VerificationReport['outcome'];
  readonly records: number;
  readonly verified: number;
  readonly differing: number;
  /** Share of records that differ, 0 to 1. */
  readonly drift: number;
  readonly quarantined: number;
  /** Changes of flat that the hierarchical side lacks, and the other way round. */
  readonly behind: { readonly hierarchical: number; readonly flat: number };
  readonly alarms: readonly string[];
  /** Why somebody should look; empty when nobody has to. */
  readonly alerts: readonly string[];
}

/** A look that could not be made. */
interface FailedLook {
  readonly atMs: number;
  readonly fault: string;
}

export interface WatchSummary {
  readonly looks: number;
  readonly failedLooks: number;
  /** Looks that gave an alert. */
  readonly alerted: number;
  /** False as well when the last look could not be made: then nobody knows. */
  readonly sound: boolean;
}

/** What a comparison, the state and the alarms say together. */
export function judgeLook(
  report: VerificationReport,
  { categories, settings }: Pick<StateDescription, 'categories' | 'settings'>,
  alarms: readonly AlarmStatus[],
): Look {
  const { differing, share } = driftOf(report);
  const { total, verified, quarantined, tombstoned } = totalOf(report);
  const red = alarms.filter(({ state }) => state === 'ALARM').map(({ name }) => name);
  return {
    atMs: report.endedAtMs,
    outcome: report.outcome,
    records: total - tombstoned,
    verified,
    differing,
    drift: share,
    quarantined,
    behind: {
      hierarchical: copyProgress(categories).lagEntries,
      flat: categories.reduce((sum, { reversePending }) => sum + reversePending, 0),
    },
    alarms: red,
    alerts: alertsOf({ report, differing, share, red }, settings),
  };
}

function alertsOf(
  {
    report,
    differing,
    share,
    red,
  }: { report: VerificationReport; differing: number; share: number; red: readonly string[] },
  { reconciliation }: MigrationSettings,
): readonly string[] {
  const alerts = red.map((name) => `the alarm ${name} is red`);
  // What proves nothing may hide any drift.
  if (report.outcome === 'unproven') alerts.push('the comparison proved nothing');
  if (differing > 0 && share >= reconciliation.alertThreshold)
    alerts.push(`${differing} records differ, which is ${(share * 100).toFixed(4)} % of all`);
  return alerts;
}

export interface WatchDeps {
  look(): Promise<Look>;
  nowMs(): number;
  sleep(durationMs: number): Promise<void>;
  /** Told of every look. */
  onLook(look: Look | FailedLook): void;
}

/**
 * Looks at once and then every `intervalMs` until `durationMs` are over, and once more at the end. What fails later is
 * told and tried again, since a watch of a day outlives a restart of what it watches; the first look has to succeed.
 */
export async function watchDrift(
  deps: WatchDeps,
  { durationMs, intervalMs }: { readonly durationMs: number; readonly intervalMs: number },
): Promise<WatchSummary> {
  const endMs = deps.nowMs() + durationMs;
  const summary = { looks: 0, failedLooks: 0, alerted: 0, sound: true };
  for (;;) {
    const isLast = deps.nowMs() >= endMs;
    const isSeen = await lookOnce(deps, summary);
    if (isLast) return { ...summary, sound: summary.alerted === 0 && isSeen };
    await deps.sleep(Math.min(intervalMs, Math.max(0, endMs - deps.nowMs())));
  }
}

async function lookOnce(
  deps: WatchDeps,
  summary: { looks: number; failedLooks: number; alerted: number },
): Promise<boolean> {
  try {
    const look = await deps.look();
    summary.looks += 1;
    if (look.alerts.length > 0) summary.alerted += 1;
    deps.onLook(look);
    return true;
  } catch (fault) {
    if (summary.looks === 0) throw fault;
    summary.failedLooks += 1;
    deps.onLook({ atMs: deps.nowMs(), fault: fault instanceof Error ? fault.message : String(fault) });
    return false;
  }
}
