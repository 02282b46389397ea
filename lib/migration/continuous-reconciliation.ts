import * as z from 'zod/mini';

import type { Sleeper } from '../kernel/clock.ts';
import { HalError } from '../kernel/errors.ts';
import type { Category } from './category.ts';
import { isCopied } from './fold-rows.ts';
import { beginAnchor, finishAnchor, goOnAnchoring } from './kept/anchor-digests.ts';
import { makeReconcileKept, type KeptReconcileDeps } from './kept/reconcile-kept.ts';
import { makeReconcileState, type ReconcileAnswer } from './reconcile-state.ts';
import type { SettingsStore } from './settings.ts';
import { categoriesOf } from './table-lookup.ts';

export interface ContinuousReconciliationDeps extends KeptReconcileDeps {
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

/** After this long both sides are compared completely again: what no feed shows is found by nothing else. */
const longestKeptMs = 86_400_000;

/**
 * Compares and repairs again and again, a comparison at most each interval of the settings, until `deadlineMs`. The
 * first one is complete; from then on digests of both sides are kept, and a comparison reads what changed. One that takes longer than one call goes on in the next. Categories that are being copied are
 * left out. All of it is done only while somebody has turned migration mode on.
 */
export function makeContinuousReconciliation(
  deps: ContinuousReconciliationDeps,
): (deadlineMs: number) => Promise<ReconciliationTurns> {
  const reconcile = makeReconcileState(deps);
  const reconcileChanged = makeReconcileChanged(deps);
  return async (deadlineMs) => {
    let finished = 0;
    for (;;) {
      const { reconciliation, migrationMode } = await deps.settings.read();
      if (!migrationMode.enabled) return { finished };
      const due = await nextState(deps, reconciliation.intervalMs, deadlineMs);
      if (due === null) return { finished };
      const begun = await reconcileChanged(due, reconciliation.autoFix);
      if (begun.categories.length === 0) {
        finished += 1;
        continue;
      }
      const answer = await reconcile({ ...begun, fix: reconciliation.autoFix }, deadlineMs).catch(
        unlessExpired,
      );
      await saveState(deps, { ...begun, cursor: answer?.cursor ?? null });
      if (answer?.done !== true) return { finished };
      await finishAnchor(deps, answer.report, begun.startedAtMs);
      await deps.onReconciled(answer);
      finished += 1;
    }
  };
}

/** Compares by kept digests what they speak for; the answer has the categories that are left to compare completely. */
function makeReconcileChanged(
  deps: ContinuousReconciliationDeps,
): (due: State, fix: boolean) => Promise<State> {
  const reconcileKept = makeReconcileKept(deps);
  return async (due, fix) => {
    if (due.cursor !== null) {
      await goOnAnchoring(deps);
      return due;
    }
    const { categories } = due;
    const notBeforeMs = deps.clock.nowMs() - longestKeptMs;
    const answer = await reconcileKept({ categories, fix, notBeforeMs });
    if (answer === null) {
      await beginAnchor(deps, categories, due.startedAtMs);
      return due;
    }
    await deps.onReconciled(answer);
    return { ...due, categories: [] };
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
