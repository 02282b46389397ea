import type { Category } from '../category.ts';
import type { AccessMeasure, AccessOperation, AccessSystem } from './measure-access.ts';

export interface AccessSummary {
  readonly system: AccessSystem;
  readonly operation: AccessOperation;
  readonly category: Category;
  readonly count: number;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
  /** One after the other, by one client. */
  readonly perSecond: number | null;
  readonly skipped: string | null;
}

export function summarizeAccess(category: Category, measure: AccessMeasure): AccessSummary {
  const { system, operation, latenciesMs, skipped } = measure;
  const sorted = latenciesMs.toSorted((left, right) => left - right);
  const totalMs = sorted.reduce((sum, value) => sum + value, 0);
  const at = (share: number): number | null => quantile(sorted, share);
  return {
    system,
    operation,
    category,
    count: sorted.length,
    p50Ms: at(0.5),
    p95Ms: at(0.95),
    p99Ms: at(0.99),
    perSecond: totalMs === 0 ? null : (sorted.length / totalMs) * 1000,
    skipped,
  };
}

/** Nearest rank; null of nothing. */
function quantile(sorted: readonly number[], share: number): number | null {
  if (sorted.length === 0) return null;
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? null;
}

export interface AccessComparison {
  readonly category: Category;
  readonly operation: AccessOperation;
  /** Median of the hierarchical side over that of flat; null where one of them was not measured. */
  readonly ratio: number | null;
}

export function compareAccess(summaries: readonly AccessSummary[]): readonly AccessComparison[] {
  return summaries
    .filter(({ system }) => system === 'hierarchical')
    .map(({ category, operation, p50Ms }) => {
      const flat = summaries.find(
        (other) => other.system === 'flat' && other.category === category && other.operation === operation,
      );
      const isMeasured = p50Ms !== null && flat !== undefined && flat.p50Ms !== null && flat.p50Ms > 0;
      return { category, operation, ratio: isMeasured ? p50Ms / (flat.p50Ms ?? 1) : null };
    });
}
