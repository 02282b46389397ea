import { setTimeout as sleep } from 'node:timers/promises';

import { HalError } from '../../lib/kernel/errors.ts';
import type { Category } from '../../lib/migration/category.ts';
import type { StateDescription } from '../../lib/migration/state-description.ts';
import type { FunctionInvoker } from '../../lib/orchestrator/function-invoker.ts';
import { untilInterrupted } from '../interrupt.ts';
import { liveLines } from '../output/live-lines.ts';
import { describeState } from './describe-state.ts';
import { requireRunning } from './migrate-state.ts';

const pollMs = 500;

/** Shows what a copy of low priority waits for. Throws HalErrors `CopyStopped`, `OthersCopying`. */
export async function waitForOthers(
  invoker: FunctionInvoker,
  request: {
    readonly categories: readonly Category[];
    readonly timeoutMs: number | null;
    readonly json: boolean;
  },
): Promise<void> {
  const lines = liveLines({ quiet: request.json });
  const goesOn = {
    what: 'What is being copied',
    watch: 'hal9-migrate state progress --watch',
    stop: 'hal9-migrate state-migration --stop',
  };
  await untilInterrupted(goesOn, (signal) =>
    untilOthersRest(invoker, { ...request, signal }, (others) =>
      lines.update([`waiting for ${others.join(', ')} to be copied`]),
    ),
  );
  lines.done();
}

/** Waits while ranges of other categories are open. Throws HalErrors `CopyStopped`, `OthersCopying`. */
export async function untilOthersRest(
  invoker: FunctionInvoker,
  request: {
    readonly categories: readonly Category[];
    readonly timeoutMs?: number | null;
    readonly signal?: AbortSignal;
  },
  onWait: (others: readonly Category[]) => void = () => undefined,
): Promise<void> {
  const { categories, timeoutMs = null, signal } = request;
  const startedAtMs = performance.now();
  for (;;) {
    const description = await describeState(invoker);
    const others = copiedNow(description).filter((category) => !categories.includes(category));
    if (others.length === 0) return;
    requireRunning(description);
    onWait(others);
    if (timeoutMs !== null && performance.now() - startedAtMs > timeoutMs) throw othersCopying(others);
    await sleep(pollMs, undefined, signal === undefined ? {} : { signal });
  }
}

function copiedNow({ categories }: StateDescription): readonly Category[] {
  return categories
    .filter(({ backfill }) => backfill.plannedRanges > backfill.completeRanges)
    .map(({ category }) => category);
}

function othersCopying(others: readonly Category[]): HalError {
  return new HalError({
    name: 'OthersCopying',
    message: `A copy of low priority waited in vain: ${others.join(', ')} is being copied.`,
    remedy: 'Run it again later, or without --low-priority.',
    exit: 'timedOut',
    facts: { others },
  });
}
