import { HalError } from '../../lib/kernel/errors.ts';
import type { Category } from '../../lib/migration/category.ts';
import type { QuarantineEntry } from '../../lib/migration/ports.ts';
import { noReplays, type ReplayCounts, type ReplayOutcome } from '../../lib/migration/replay-quarantine.ts';
import type { FunctionInvoker } from '../../lib/orchestrator/function-invoker.ts';

const folder = 'replay-quarantine';

/** At most `limit` entries, category by category. */
export async function listQuarantine(
  invoker: FunctionInvoker,
  categories: readonly Category[],
  limit: number,
): Promise<readonly QuarantineEntry[]> {
  const found: QuarantineEntry[] = [];
  for (const category of categories) {
    let cursor: string | null = null;
    do {
      const page = (await invoker.invoke(folder, { action: 'list', category, cursor })) as {
        entries: readonly QuarantineEntry[];
        cursor: string | null;
      };
      found.push(...page.entries);
      ({ cursor } = page);
    } while (cursor !== null && found.length < limit);
  }
  return found.slice(0, limit);
}

/** Throws HalError `NotQuarantined`. */
export async function showQuarantined(
  invoker: FunctionInvoker,
  categories: readonly Category[],
  pk: string,
): Promise<QuarantineEntry> {
  for (const category of categories) {
    const { entry } = (await invoker.invoke(folder, { action: 'show', category, pk })) as {
      entry: QuarantineEntry | null;
    };
    if (entry !== null) return entry;
  }
  throw new HalError({
    name: 'NotQuarantined',
    message: `There is no record ${pk} in quarantine.`,
    remedy: 'Take its name from `hal9-migrate state quarantine list`: record type, slash, key.',
    exit: 'usage',
    facts: { pk },
  });
}

export async function replayOne(
  invoker: FunctionInvoker,
  { category }: QuarantineEntry,
  pk: string,
): Promise<ReplayCounts> {
  const { outcome } = (await invoker.invoke(folder, { action: 'replay', category, pk })) as {
    outcome: ReplayOutcome | null;
  };
  // Resolved by somebody else since it was shown.
  return { ...noReplays, [outcome ?? 'replayed']: 1 };
}

export async function replayAll(
  invoker: FunctionInvoker,
  categories: readonly Category[],
  onProgress: (counts: ReplayCounts) => void,
): Promise<ReplayCounts> {
  const counts: { -readonly [Name in ReplayOutcome]: number } = { ...noReplays };
  for (const category of categories) {
    let cursor: string | null = null;
    do {
      const page = (await invoker.invoke(folder, { action: 'replay', category, cursor })) as {
        counts: ReplayCounts;
        cursor: string | null;
      };
      for (const name of Object.keys(counts) as ReplayOutcome[]) counts[name] += page.counts[name];
      onProgress(counts);
      ({ cursor } = page);
    } while (cursor !== null);
  }
  return counts;
}
