import { makeRepairKeys, type RepairKeysDeps } from './repair-keys.ts';
import {
  makeVerifyState,
  type VerifyAnswer,
  type VerifyRequest,
  type VerifyStateDeps,
} from './verify-state.ts';

export interface ReconcileDeps extends VerifyStateDeps, RepairKeysDeps {}

export interface ReconcileRequest extends VerifyRequest {
  /** Whether differences are repaired once they are known. */
  readonly fix: boolean;
}

/** What became of the differences of a finished reconciliation. */
export interface Fixes {
  readonly written: number;
  /** The target held something newer by then. */
  readonly keptNewer: number;
  /** The row changed while it was read; its own change, or the next reconciliation, brings it right. */
  readonly changed: number;
  /** Nothing may be written: authority moved, nobody migrates such a record, or no record says what the row should be. */
  readonly refused: number;
}

export interface ReconcileAnswer extends VerifyAnswer {
  /** null until the sides are compared, and when nothing was to be repaired. */
  readonly fixes: Fixes | null;
}

/**
 * Compares both sides and repairs what differs, over as many calls as that takes. A repair carries a low watermark
 * that is read for it, so nothing newer is ever written over. One reconciliation repairs the differences that its
 * report names, 50 at most; the next one finds the others.
 */
export function makeReconcileState(
  deps: ReconcileDeps,
): (request: ReconcileRequest, deadlineMs: number) => Promise<ReconcileAnswer> {
  const verifyState = makeVerifyState(deps);
  return async (request, deadlineMs) => {
    const answer = await verifyState(request, deadlineMs);
    const { differences } = answer.report;
    if (!answer.done || !request.fix || differences.length === 0) return { ...answer, fixes: null };
    return { ...answer, fixes: await fixDifferences(deps, differences) };
  };
}

/** Repairs what a report names. */
export async function fixDifferences(
  deps: RepairKeysDeps,
  differences: VerifyAnswer['report']['differences'],
): Promise<Fixes> {
  const repairKeys = makeRepairKeys(deps);
  const known = new Set(deps.definition.tables.map(({ recordType }) => recordType));
  const fixable = differences.filter(({ key }) => known.has(key.recordType));
  const fixes = { written: 0, keptNewer: 0, changed: 0, refused: differences.length - fixable.length };
  for (const [category, ofCategory] of Map.groupBy(fixable, (difference) => difference.category)) {
    const outcome = await repairKeys(
      category,
      ofCategory.map(({ key }) => key),
    );
    if (outcome.kind === 'not-authority') {
      fixes.refused += ofCategory.length;
      continue;
    }
    fixes.written += outcome.written;
    fixes.keptNewer += outcome.keptNewer;
    fixes.changed += outcome.changed;
    fixes.refused += outcome.refused;
  }
  return fixes;
}
