import type { Category } from '../../lib/migration/category.ts';
import type { IntegrityReport } from '../../lib/migration/integrity/check-integrity.ts';
import { totalOf, type VerificationReport } from '../../lib/migration/verification-report.ts';
import type { Check } from '../../lib/orchestrator/operations/pre-check.ts';
import { count } from '../output/quantities.ts';

/** Strict wants every record verified; lenient accepts what is quarantined with a reason. */
export type ValidationMode = 'strict' | 'lenient';

/** What a flat store brought with it; the migration carries it over as it is. */
const inheritedFaults = new Set(['DanglingEdge', 'AuditGap']);

export function integrityCheck({ counts, scanned }: IntegrityReport, mode: ValidationMode): Check {
  const found = Object.entries(counts).map(([fault, value]) => `${count(value)} ${fault}`);
  const looked = `${count(scanned.rows)} rows and ${count(scanned.records)} records looked at`;
  if (found.length === 0) return pass('integrity', `no fault: ${looked}`);
  const detail = `${found.join(', ')}; ${looked}`;
  const isInherited = Object.keys(counts).every((fault) => inheritedFaults.has(fault));
  if (isInherited && mode === 'lenient') return { ...pass('integrity', detail), result: 'warn' };
  return fail('integrity', detail, '--json names them; `hal9-migrate state recover` mends damaged records');
}

export function consistencyCheck(report: VerificationReport): Check {
  const { mismatches, missing, extra, pending } = totalOf(report);
  const detail = `${report.outcome}: ${count(mismatches)} mismatches, ${count(missing)} missing, ${count(extra)} extra, ${count(pending)} pending`;
  return report.outcome === 'verified'
    ? pass('consistency', detail)
    : fail('consistency', detail, 'hal9-migrate state verify names them');
}

/** Every record is in exactly one of these. */
export function identityCheck(report: VerificationReport): Check {
  const { total, verified, quarantined, tombstoned, pending, mismatches, missing, extra } = totalOf(report);
  const sum = verified + quarantined + tombstoned + pending + mismatches + missing + extra;
  const detail = `${count(total)} = ${count(verified)} verified + ${count(quarantined)} quarantined + ${count(tombstoned)} tombstoned + ${count(pending)} pending`;
  const isWhole = sum === total && mismatches + missing + extra === 0;
  return isWhole
    ? pass('identity', detail)
    : fail(
        'identity',
        `${detail} + ${count(mismatches + missing + extra)} different`,
        'hal9-migrate state verify',
      );
}

export function quarantineCheck(report: VerificationReport, mode: ValidationMode): Check {
  const { quarantined } = totalOf(report);
  if (quarantined === 0) return pass('quarantine', 'nothing is in quarantine');
  const detail = `${count(quarantined)} records are in quarantine`;
  const remedy = 'hal9-migrate state quarantine list, repair the rows, then replay';
  return mode === 'strict'
    ? fail('quarantine', detail, remedy)
    : { name: 'quarantine', result: 'warn', detail, remedy };
}

export function categoryCheck(report: VerificationReport, category: Category): Check {
  const counts = report.byCategory[category];
  if (counts === undefined) return fail(category, 'it was not looked at', 'hal9-migrate state verify');
  const detail = `${count(counts.verified)} of ${count(counts.total)} verified`;
  const differing = counts.mismatches + counts.missing + counts.extra + counts.pending;
  return differing === 0
    ? pass(category, detail)
    : fail(category, `${detail}, ${count(differing)} are not`, 'hal9-migrate state verify');
}

export function pass(name: string, detail: string): Check {
  return { name, result: 'pass', detail, remedy: null };
}

export function fail(name: string, detail: string, remedy: string): Check {
  return { name, result: 'fail', detail, remedy };
}
