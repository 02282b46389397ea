import { HalError } from '../kernel/errors.ts';
import type { Category } from './category.ts';
import type { FlatSource } from './ports.ts';
import type { VerificationReport } from './verification-report.ts';

/**
 * What was deleted while the log was lost stays on the target as if it were there. Only a complete comparison that
 * began afterwards can tell. Throws HalError `ChangeLogInterrupted` until one found both sides equal.
 */
export async function requireUninterruptedLog(
  source: Pick<FlatSource, 'logGap'>,
  category: Category,
): Promise<void> {
  const sequence = (await source.logGap?.(category)) ?? null;
  if (sequence === null) return;
  throw new HalError({
    name: 'ChangeLogInterrupted',
    message: `${category} cannot change authority: its change log was lost for a while, so that deletions may be missing on the target`,
    remedy:
      'run `hal9-migrate reconcile --full --fix-mode auto` until it finds no difference: it compares everything, and mends what is missing',
    exit: 'gateFailed',
    facts: { category, sequence },
  });
}

/** After a complete comparison: categories in which it found no difference have nothing unlogged any more. */
export async function closeLogGaps(
  source: Pick<FlatSource, 'closeLogGap'>,
  { canary, cuts, byCategory }: VerificationReport,
): Promise<void> {
  if (source.closeLogGap === undefined || canary.planted === 0 || canary.found !== canary.planted) return;
  for (const [category, { sequence }] of Object.entries(cuts)) {
    const { mismatches = 0, missing = 0, extra = 0 } = byCategory[category] ?? {};
    if (mismatches + missing + extra === 0) await source.closeLogGap(category, sequence);
  }
}

/** Categories with deletions that may be unlogged. */
export async function openLogGaps(
  source: Pick<FlatSource, 'logGap'>,
  categories: readonly Category[],
): Promise<readonly Category[]> {
  const open: Category[] = [];
  for (const category of categories) {
    if (((await source.logGap?.(category)) ?? null) !== null) open.push(category);
  }
  return open;
}
