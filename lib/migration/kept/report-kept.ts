import type { Clock } from '../../kernel/clock.ts';
import type { Category } from '../category.ts';
import type { MigrationDefinition } from '../definition.ts';
import { recordTerm } from '../digest-term.ts';
import { recordPk } from '../key.ts';
import { damagedCopies } from '../planted-canary.ts';
import { isIntact } from '../record-hash.ts';
import {
  addAgreed,
  concludeReport,
  countVerdicts,
  emptyReport,
  type VerificationReport,
} from '../verification-report.ts';
import { tablesByType } from '../table-lookup.ts';
import type { Advanced } from './advance-digests.ts';
import { plantInSums } from './compare-digests.ts';
import type { JudgedSuspect, JudgedSuspects } from './judge-suspects.ts';
import { keptCategory, type KeptDigests } from './kept-digests.ts';
import type { StreamChange } from './ports.ts';

export interface KeptFindings {
  readonly categories: readonly Category[];
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly advanced: Advanced;
  readonly judged: JudgedSuspects;
  readonly unequal: number;
}

interface ReportDeps {
  readonly definition: MigrationDefinition;
  readonly clock: Clock;
}

/** The report of a comparison by kept digests: the counts as the stream tells them, less what was found to differ. */
export function reportKept(
  deps: ReportDeps,
  digests: KeptDigests,
  findings: KeptFindings,
): VerificationReport {
  const { categories, startedAtMs, endedAtMs, advanced, judged, unequal } = findings;
  let report: VerificationReport = {
    ...emptyReport(startedAtMs),
    canary: plantCanaries(deps, digests, advanced.sample),
    scanned: { rows: advanced.rows + judged.rows, records: advanced.records + judged.records },
    kept: {
      anchoredAtMs: digests.anchoredAtMs,
      changes: { rows: advanced.rows, records: advanced.records },
      judgedKeys: judged.judged.length,
      unequalBuckets: unequal,
      openKeys: digests.open.size,
    },
  };
  for (const category of categories) {
    const kept = keptCategory(digests, category);
    if (kept === undefined) continue;
    const differing = judged.judged.filter((suspect) => suspect.category === category).filter(isOpen);
    const sequence = advanced.appliedThrough.get(category) ?? 0;
    report = addAgreed(report, category, lessDiffering(digests, kept.counts, differing));
    report = countVerdicts(report, category, differing);
    report = { ...report, cuts: { ...report.cuts, [category]: { epoch: kept.epoch, sequence } } };
  }
  return concludeReport(report, endedAtMs);
}

function isOpen({ verdict }: JudgedSuspect): boolean {
  return ['mismatch', 'missing', 'extra', 'pending'].includes(verdict);
}

/** A key that is counted as differing is not counted as what the stream last showed of it. */
function lessDiffering(
  digests: KeptDigests,
  counts: Readonly<Record<'verified' | 'quarantined' | 'tombstoned', number>>,
  differing: readonly JudgedSuspect[],
): Readonly<Record<'verified' | 'quarantined' | 'tombstoned', number>> {
  const counted = differing.filter(({ key }) => (digests.open.get(recordPk(key))?.target ?? null) !== null);
  return { ...counts, verified: Math.max(0, counts.verified - counted.length) };
}

/** Differences in the sums, and damaged copies of a record that the stream brought. */
function plantCanaries(
  { definition, clock }: ReportDeps,
  digests: KeptDigests,
  sample: StreamChange | null,
): VerificationReport['canary'] {
  const inSums = plantInSums(digests);
  const record = sample?.after ?? null;
  const table = record === null ? undefined : tablesByType(definition).get(record.key.recordType);
  if (record === null || table === undefined || !record.intact) return inSums;
  const authority = keptCategory(digests, table.category)?.authority ?? 'flat';
  const context = { nowMs: clock.nowMs(), authority, mayExpire: true };
  const term = recordTerm(record, table, context);
  const copies = damagedCopies(record).map((copy) => ({ ...copy, intact: isIntact(copy) }));
  const seen = copies.filter((copy) => {
    const damaged = recordTerm(copy, table, context);
    return damaged === null || term === null ? damaged !== term : !damaged.hash.equals(term.hash);
  });
  return { planted: inSums.planted + copies.length, found: inSums.found + seen.length };
}
