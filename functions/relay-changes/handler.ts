import type { Sleeper } from '../../lib/kernel/clock.ts';
import type { MetricSink } from '../../lib/kernel/metric-sink.ts';
import type { MigrationDefinition } from '../../lib/migration/definition.ts';
import { HalError } from '../../lib/kernel/errors.ts';
import type { Category } from '../../lib/migration/category.ts';
import { heldLogPercent } from '../../lib/migration/held-log.ts';
import { makeRelayChanges, type RelayChangesDeps } from '../../lib/migration/relay-changes.ts';
import { categoriesOf } from '../../lib/migration/table-lookup.ts';
import { metricNames } from '../../lib/monitoring/metric-names.ts';

export interface RelayChangesHandlerDeps extends RelayChangesDeps {
  readonly definition: MigrationDefinition;
  readonly sleeper: Sleeper;
  /** One invocation works for this long; the schedule starts the next. */
  readonly loopMs: number;
  /** Pause when there is nothing to relay; default 200 ms. */
  readonly idleMs?: number;
  /** Told how much of its own log the server of the flat store keeps. */
  readonly metrics?: MetricSink;
  onFailure?(what: string, error: unknown): void;
}

export interface RelayTotals {
  readonly sent: number;
  readonly resent: number;
}

/** Before the first migration nothing is logged and nothing was relayed: that is no failure. A log that vanished is. */
async function isNotBegun(deps: RelayChangesDeps, category: Category, failure: unknown): Promise<boolean> {
  const isMissing = failure instanceof HalError && failure.name === 'ChangeLogMissing';
  return isMissing && (await deps.relay.cursor(category)) === 0;
}

/** Before anything is read, so that a log that was lost is told of. A metric that cannot be put holds up no change. */
async function putHeldLog(deps: RelayChangesHandlerDeps): Promise<void> {
  const { source, metrics, clock } = deps;
  if (metrics === undefined || source.heldLog === undefined) return;
  try {
    const held = await source.heldLog();
    const atMs = clock.nowMs();
    const ofFlat = { system: 'flat', atMs, counts: [1] } as const;
    await metrics.put([
      { ...ofFlat, name: metricNames.heldLog, unit: 'Bytes', values: [held?.heldBytes ?? 0] },
      {
        ...ofFlat,
        name: metricNames.heldLogShare,
        unit: 'Percent',
        values: [held === null ? 0 : heldLogPercent(held)],
      },
    ]);
  } catch (error) {
    deps.onFailure?.('held log metric', error);
  }
}

/** Relays the change log of every category until its time is over. */
export function makeHandler(deps: RelayChangesHandlerDeps): () => Promise<RelayTotals> {
  const relayChanges = makeRelayChanges(deps);
  const relayOnce = async (): Promise<RelayTotals & { readonly caughtUp: boolean }> => {
    const totals = { sent: 0, resent: 0, caughtUp: true };
    const failures: unknown[] = [];
    for (const category of categoriesOf(deps.definition)) {
      try {
        const outcome = await relayChanges(category);
        totals.sent += outcome.sent;
        totals.resent += outcome.resent;
        // Neither a full house nor a trickle is a reason to hurry, only a full batch: small ones cost as much each.
        if (outcome.sent > 0 && !outcome.caughtUp) totals.caughtUp = false;
      } catch (failure) {
        // One category that cannot be relayed must not hold up the others; the invocation fails after them.
        if (!(await isNotBegun(deps, category, failure))) failures.push(failure);
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, String(failures[0]));
    return totals;
  };
  return async () => {
    const endMs = deps.clock.nowMs() + deps.loopMs;
    await putHeldLog(deps);
    const totals = { sent: 0, resent: 0 };
    do {
      const { sent, resent, caughtUp } = await relayOnce();
      totals.sent += sent;
      totals.resent += resent;
      if (caughtUp) await deps.sleeper.sleep(deps.idleMs ?? 200);
    } while (deps.clock.nowMs() < endMs);
    return totals;
  };
}
