import { setTimeout as sleep } from 'node:timers/promises';

import { HalError } from '../../lib/kernel/errors.ts';
import type { Category } from '../../lib/migration/category.ts';
import type { Edition } from '../../lib/migration/editions/ports.ts';
import type { ObservedPublication } from '../../lib/migration/editions/publish-observed.ts';
import type { ReadEdition } from '../../lib/migration/editions/read-edition.ts';
import { seenGeneration, type SeenGeneration } from '../../lib/migration/editions/reload-test.ts';
import type { FunctionInvoker } from '../../lib/orchestrator/function-invoker.ts';
import { currentEdition, editionFolder, publishEdition, untilSettled } from './editions.ts';

export interface ReloadTestRequest {
  readonly category: Category;
  readonly changes: number;
  readonly by: string;
  /** Where the hierarchical system says which edition it has loaded; null when that is not asked for. */
  readonly systemUrl: string | null;
}

interface Reload {
  readonly edition: number;
  readonly looks: number;
  readonly seen: readonly SeenGeneration[];
  /** How long the running system took, and what it had loaded meanwhile; null when it was not asked. */
  readonly applied: { readonly afterMs: number; readonly seen: readonly SeenGeneration[] } | null;
}

export interface ReloadTest {
  readonly passed: boolean;
  readonly changes: number;
  /** The settings made, changed, removed. */
  readonly reloads: readonly Reload[];
}

const appliedWithinMs = 30_000;

/**
 * Makes settings that nobody reads, changes and removes them, and has each generation published while a reader looks:
 * it must see all of a generation or nothing of it.
 */
export async function testReload(invoker: FunctionInvoker, request: ReloadTestRequest): Promise<ReloadTest> {
  const { category, changes, by } = request;
  await requireEdition(invoker, category);
  // What an interrupted test left behind.
  await invoker.invoke(editionFolder, { action: 'change', changes, generation: null });
  await publishEdition(invoker, { category, by, dryRun: false });
  const reloads: Reload[] = [];
  let before: SeenGeneration = 'none';
  let passed = true;
  for (const generation of [1, 2, null]) {
    const now: SeenGeneration = generation ?? 'none';
    await invoker.invoke(editionFolder, { action: 'change', changes, generation });
    const reload = await publishAndLook(invoker, request);
    const seen = [...reload.seen, ...(reload.applied?.seen ?? [])];
    passed &&= reload.seen.at(-1) === now && seen.every((one) => one === before || one === now);
    passed &&= reload.applied === null || reload.applied.seen.at(-1) === now;
    reloads.push(reload);
    before = now;
  }
  return { passed, changes, reloads };
}

async function publishAndLook(invoker: FunctionInvoker, request: ReloadTestRequest): Promise<Reload> {
  const { category, changes, by, systemUrl } = request;
  const startedAtMs = performance.now();
  const payload = { action: 'publish-observed', category, by, changes };
  const { edition, looks, seen } = await untilSettled(category, async () => {
    const observed = (await invoker.invoke(editionFolder, payload)) as ObservedPublication;
    return observed.answer.kind === 'pending' ? null : { ...observed, edition: observed.answer.edition };
  });
  const applied =
    systemUrl === null
      ? null
      : await untilApplied(systemUrl, request, { number: edition.number, startedAtMs });
  return { edition: edition.number, looks, seen, applied };
}

/** Asks the running system until it has loaded the edition. */
async function untilApplied(
  systemUrl: string,
  { category, changes }: ReloadTestRequest,
  about: { readonly number: number; readonly startedAtMs: number },
): Promise<NonNullable<Reload['applied']>> {
  const seen: SeenGeneration[] = [];
  for (;;) {
    const afterMs = Math.round(performance.now() - about.startedAtMs);
    const held = await loadedEdition(`${systemUrl}/api/v1/editions/${category}`);
    const now = seenGeneration(held?.records ?? [], changes);
    if (seen.at(-1) !== now) seen.push(now);
    if ((held?.edition.number ?? 0) >= about.number) return { afterMs, seen };
    if (afterMs > appliedWithinMs) throw notApplied(category, about.number, held?.edition ?? null);
    await sleep(20);
  }
}

async function loadedEdition(url: string): Promise<ReadEdition | null> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(5_000) });
    return answer.ok ? ((await answer.json()) as { data: ReadEdition }).data : null;
  } catch {
    // It may be restarting; whoever waits has a deadline.
    return null;
  }
}

async function requireEdition(invoker: FunctionInvoker, category: Category): Promise<void> {
  if ((await currentEdition(invoker, category)) !== null) return;
  throw new HalError({
    name: 'EditionMissing',
    message: `No edition of ${category} was published yet, so that nobody reads one.`,
    remedy: 'Publish the first with `hal9-migrate config publish`.',
    exit: 'gateFailed',
    facts: { category },
  });
}

function notApplied(category: Category, number: number, loaded: Edition | null): HalError {
  const has = loaded === null ? 'does not say that it has one' : `has edition ${loaded.number}`;
  return new HalError({
    name: 'EditionNotApplied',
    message: `The hierarchical system did not load edition ${number} of ${category} within 30 s: it ${has}.`,
    remedy: 'See its log; without --verify-application only the published edition is tested.',
    exit: 'gateFailed',
    facts: { category, number, loaded: loaded?.number ?? null },
  });
}
