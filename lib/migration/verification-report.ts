import type { Category } from './category.ts';
import type { Verdict } from './compare-record.ts';
import type { RecordVersion } from './record.ts';
import type { RecordKey } from './row.ts';

/** total = verified + quarantined + tombstoned + pending + mismatches + missing + extra, always. */
export interface CategoryVerification {
  readonly total: number;
  readonly verified: number;
  readonly mismatches: number;
  readonly missing: number;
  readonly extra: number;
  readonly quarantined: number;
  readonly tombstoned: number;
  /** Changed so recently that the other side does not have to know yet. */
  readonly pending: number;
}

interface Difference {
  readonly category: Category;
  readonly key: RecordKey;
  readonly kind: 'mismatch' | 'missing' | 'extra';
}

export interface VerificationReport {
  /**
   * `unproven`: nothing was compared, or the comparison did not find the damage planted in it, so that a clean
   * result would say nothing.
   */
  readonly outcome: 'verified' | 'differences' | 'pending' | 'unproven';
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly scanned: { readonly rows: number; readonly records: number };
  /** Version of the flat store at the first look at each category. */
  readonly cuts: Readonly<Record<Category, RecordVersion>>;
  /** Damaged copies of real records that went through the same comparison. */
  readonly canary: { readonly planted: number; readonly found: number };
  readonly byCategory: Readonly<Record<Category, CategoryVerification>>;
  /** At most 50; the counts are complete. */
  readonly differences: readonly Difference[];
  /** Only where kept digests were compared instead of everything. */
  readonly kept?: KeptComparison;
}

/** What a comparison by kept digests rests on and looked at. */
interface KeptComparison {
  /** When the complete comparison began that found both sides equal; all that changed since is in the digests. */
  readonly anchoredAtMs: number;
  /** Rows of the change log and records of the stream that were folded now. */
  readonly changes: { readonly rows: number; readonly records: number };
  /** Keys that were looked at on both sides. */
  readonly judgedKeys: number;
  readonly unequalBuckets: number;
  /** Keys of which both sides said different things, changes on their way included. */
  readonly openKeys: number;
}

const emptyVerification: CategoryVerification = {
  total: 0,
  verified: 0,
  mismatches: 0,
  missing: 0,
  extra: 0,
  quarantined: 0,
  tombstoned: 0,
  pending: 0,
};

export function emptyReport(nowMs: number): VerificationReport {
  return {
    outcome: 'unproven',
    startedAtMs: nowMs,
    endedAtMs: nowMs,
    scanned: { rows: 0, records: 0 },
    cuts: {},
    canary: { planted: 0, found: 0 },
    byCategory: {},
    differences: [],
  };
}

const maxDifferences = 50;

const counterOf = {
  verified: 'verified',
  quarantined: 'quarantined',
  tombstoned: 'tombstoned',
  mismatch: 'mismatches',
  missing: 'missing',
  extra: 'extra',
  pending: 'pending',
} as const;

/** Adds judged keys of one category. */
export function countVerdicts(
  report: VerificationReport,
  category: Category,
  judged: readonly { readonly key: RecordKey; readonly verdict: Verdict | 'pending' }[],
): VerificationReport {
  const counts = { ...(report.byCategory[category] ?? emptyVerification) };
  const differences = [...report.differences];
  for (const { key, verdict } of judged) {
    if (verdict === 'absent') continue;
    counts.total += 1;
    counts[counterOf[verdict]] += 1;
    const isDifference = verdict === 'mismatch' || verdict === 'missing' || verdict === 'extra';
    if (isDifference && differences.length < maxDifferences) {
      differences.push({ category, key, kind: verdict });
    }
  }
  return { ...report, byCategory: { ...report.byCategory, [category]: counts }, differences };
}

/** Adds records that both sides agree about, without their names. */
export function addAgreed(
  report: VerificationReport,
  category: Category,
  agreed: Pick<CategoryVerification, 'verified' | 'quarantined' | 'tombstoned'>,
): VerificationReport {
  const counts = { ...(report.byCategory[category] ?? emptyVerification) };
  for (const name of ['verified', 'quarantined', 'tombstoned'] as const) {
    counts[name] += agreed[name];
    counts.total += agreed[name];
  }
  return { ...report, byCategory: { ...report.byCategory, [category]: counts } };
}

/** Sum over the categories. */
export function totalOf(report: Pick<VerificationReport, 'byCategory'>): CategoryVerification {
  const total = { ...emptyVerification };
  for (const counts of Object.values(report.byCategory)) {
    for (const name of counterNames) total[name] += counts[name];
  }
  return total;
}

/** How many records are not equal on both sides, and their share of all. */
export function driftOf(report: Pick<VerificationReport, 'byCategory'>): {
  readonly differing: number;
  readonly share: number;
} {
  const { total, mismatches, missing, extra } = totalOf(report);
  const differing = mismatches + missing + extra;
  return { differing, share: total === 0 ? 0 : differing / total };
}

/** Share of all rows and records that was read, 0 to 1: what did not change is in the digests already. */
export function readShareOf(report: Pick<VerificationReport, 'byCategory' | 'scanned'>): number {
  const { total } = totalOf(report);
  return total === 0 ? 0 : (report.scanned.rows + report.scanned.records) / (2 * total);
}

/** The judgement over a finished run. */
export function concludeReport(report: VerificationReport, nowMs: number): VerificationReport {
  return { ...report, endedAtMs: nowMs, outcome: outcomeOf(report) };
}

function outcomeOf(report: VerificationReport): VerificationReport['outcome'] {
  const { mismatches, missing, extra, pending } = totalOf(report);
  if (mismatches + missing + extra > 0) return 'differences';
  const { planted, found } = report.canary;
  if (planted === 0 || found !== planted) return 'unproven';
  return pending > 0 ? 'pending' : 'verified';
}

const counterNames = Object.keys(emptyVerification) as (keyof CategoryVerification)[];
