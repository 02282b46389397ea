import * as z from 'zod/mini';

import type { Sleeper } from '../kernel/clock.ts';
import { HalError } from '../kernel/errors.ts';
import type { Category } from './category.ts';
import { isCopied } from './fold-rows.ts';
import { makeReconcileState, type ReconcileAnswer, type ReconcileDeps } from './reconcile-state.ts';
import type { SettingsStore } from './settings.ts';
import { categoriesOf } from './table-lookup.ts';

export interface ContinuousReconciliationDeps extends ReconcileDeps {
  readonly settings: SettingsStore;
  readonly sleeper: Sleeper;
  /** Called once with each finished comparison and what was repaired. */
  onReconciled(answer: ReconcileAnswer): Promise<void>;
}

export interface ReconciliationTurns {
  /** Comparisons of both sides that were finished. */
  readonly finished: number;
}

const stateName = 'reconciliation';

/** What one turn leaves for the next. */
const stateSchema = z.object({
  /** null between two comparisons. */
  cursor: z.nullable(z.string()),
  categories: z.array(z.string()),
  startedAtMs: z.number(),
});

type State = z.infer<typeof stateSchema>;

/**
 * Compares and repairs again and again, a comparison at most each interval of the settings, until `deadlineMs`. A
 * comparison that takes longer than one call goes on in the next. Categories that are being copied are left out. Each
 * one reads both sides completely, so it is done only while somebody has turned migration mode on.
 */
export function makeContinuousReconciliation(
  deps: ContinuousReconciliationDeps,
): (deadlineMs: number) => Promise<ReconciliationTurns> {
  const reconcile = makeReconcileState(deps);
  return async (deadlineMs) => {
    let finished = 0;
    for (;;) {
      const { reconciliation, migrationMode } = await deps.settings.read();
      if (!migrationMode.enabled) return { finished };
      const begun = await nextState(deps, reconciliation.intervalMs, deadlineMs);
      if (begun === null) return { finished };
      const answer = await reconcile({ ...begun, fix: reconciliation.autoFix }, deadlineMs).catch(
        unlessExpired,
      );
      await saveState(deps, { ...begun, cursor: answer?.cursor ?? null });
      if (answer?.done !== true) return { finished };
      await deps.onReconciled(answer);
      finished += 1;
    }
  };
}

/** Another invocation may have gone on from the same cursor, and further: the next comparison begins anew. */
function unlessExpired(fault: unknown): null {
  if (fault instanceof HalError && fault.name === 'VerificationExpired') return null;
  throw fault;
}

/** The comparison to go on with, or a new one when its time has come; null when that is behind the deadline. */
async function nextState(
  deps: ContinuousReconciliationDeps,
  intervalMs: number,
  deadlineMs: number,
): Promise<State | null> {
  const last = await loadState(deps);
  if (last !== null && last.cursor !== null) return last;
  const dueMs = (last?.startedAtMs ?? 0) + intervalMs;
  if (dueMs >= deadlineMs) return null;
  const categories: Category[] = [];
  for (const category of categoriesOf(deps.definition)) {
    if (await isCopied(deps, category)) categories.push(category);
  }
  if (categories.length === 0) return null;
  const waitMs = dueMs - deps.clock.nowMs();
  if (waitMs > 0) await deps.sleeper.sleep(waitMs);
  const begun = { cursor: null, categories, startedAtMs: deps.clock.nowMs() };
  await saveState(deps, begun);
  return begun;
}

async function loadState({ digests }: ContinuousReconciliationDeps): Promise<State | null> {
  const bytes = await digests.load(stateName);
  if (bytes === null) return null;
  return stateSchema.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
}

async function saveState({ digests }: ContinuousReconciliationDeps, state: State): Promise<void> {
  await digests.save(stateName, Buffer.from(JSON.stringify(state)));
}
