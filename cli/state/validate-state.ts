import type { Category } from '../../lib/migration/category.ts';
import type { IntegrityAnswer, IntegrityReport } from '../../lib/migration/integrity/check-integrity.ts';
import { totalOf, type VerificationReport } from '../../lib/migration/verification-report.ts';
import type { FunctionInvoker } from '../../lib/orchestrator/function-invoker.ts';
import type { Check } from '../../lib/orchestrator/operations/pre-check.ts';
import { count } from '../output/quantities.ts';
import { describeState } from './describe-state.ts';
import { verifyState } from './verify-state.ts';

/** Strict wants every record verified; lenient accepts what is quarantined with a reason. */
export type ValidationMode = 'strict' | 'lenient';

export interface StateValidation {
  readonly passed: boolean;
  readonly mode: ValidationMode;
  readonly checks: readonly Check[];
  readonly integrity: IntegrityReport | null;
  readonly verification: VerificationReport | null;
}

/** Schema, then what each side holds by itself, then both compared. A check that could not look has failed. */
export async function validateState(
  invoker: FunctionInvoker,
  categories: readonly Category[],
  mode: ValidationMode,
  onProgress: (text: string) => void,
): Promise<StateValidation> {
  const checks: Check[] = [await checkSchema(invoker)];
  const { changeLogInstalled, categories: statuses } = await describeState(invoker);
  const chosen = statuses.filter(({ category }) => categories.includes(category));
  const open = chosen.filter(({ backfill }) => !backfill.complete).map(({ category }) => category);
  const isCopied = changeLogInstalled && open.length === 0;
  checks.push(
    isCopied
      ? pass('copy', `${count(chosen.length)} categories are copied`)
      : fail(
          'copy',
          `not copied: ${changeLogInstalled ? open.join(', ') : 'anything'}`,
          'hal9-migrate state migrate',
        ),
  );
  const integrity = await readIntegrity(invoker, onProgress);
  checks.push(integrityCheck(integrity, mode));
  if (!isCopied) return { passed: false, mode, checks, integrity, verification: null };
  const verification = await verifyState(invoker, categories, ({ scanned }) => {
    onProgress(`comparing  ${count(scanned.rows)} rows  ${count(scanned.records)} records`);
  });
  checks.push(
    consistencyCheck(verification),
    identityCheck(verification),
    quarantineCheck(verification, mode),
  );
  for (const category of categories) checks.push(categoryCheck(verification, category));
  return { passed: checks.every(({ result }) => result !== 'fail'), mode, checks, integrity, verification };
}

async function checkSchema(invoker: FunctionInvoker): Promise<Check> {
  try {
    const { tables } = (await invoker.invoke('prepare-source', { action: 'inspect' })) as {
      tables: unknown[];
    };
    return pass(
      'schema',
      `${count(tables.length)} tables have the columns and keys that the definition names`,
    );
  } catch (fault) {
    return fail(
      'schema',
      fault instanceof Error ? fault.message : String(fault),
      'bring the store to its schema',
    );
  }
}

async function readIntegrity(
  invoker: FunctionInvoker,
  onProgress: (text: string) => void,
): Promise<IntegrityReport> {
  let cursor: string | null = null;
  for (;;) {
    const answer = (await invoker.invoke('check-integrity', { cursor })) as IntegrityAnswer;
    const { rows, records } = answer.report.scanned;
    onProgress(`looking at  ${count(rows)} rows  ${count(records)} records`);
    if (answer.done) return answer.report;
    ({ cursor } = answer);
  }
}

/** What a flat store brought with it; the migration carries it over as it is. */
const inheritedFaults = new Set(['DanglingEdge', 'AuditGap']);

function integrityCheck({ counts, scanned }: IntegrityReport, mode: ValidationMode): Check {
  const found = Object.entries(counts).map(([fault, value]) => `${count(value)} ${fault}`);
  const looked = `${count(scanned.rows)} rows and ${count(scanned.records)} records looked at`;
  if (found.length === 0) return pass('integrity', `no fault: ${looked}`);
  const detail = `${found.join(', ')}; ${looked}`;
  const isInherited = Object.keys(counts).every((fault) => inheritedFaults.has(fault));
  if (isInherited && mode === 'lenient') return { ...pass('integrity', detail), result: 'warn' };
  return fail('integrity', detail, '--json names them; `hal9-migrate state recover` mends damaged records');
}

function consistencyCheck(report: VerificationReport): Check {
  const { mismatches, missing, extra, pending } = totalOf(report);
  const detail = `${report.outcome}: ${count(mismatches)} mismatches, ${count(missing)} missing, ${count(extra)} extra, ${count(pending)} pending`;
  return report.outcome === 'verified'
    ? pass('consistency', detail)
    : fail('consistency', detail, 'hal9-migrate state verify names them');
}

/** Every record is in exactly one of these. */
function identityCheck(report: VerificationReport): Check {
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

function quarantineCheck(report: VerificationReport, mode: ValidationMode): Check {
  const { quarantined } = totalOf(report);
  if (quarantined === 0) return pass('quarantine', 'nothing is in quarantine');
  const detail = `${count(quarantined)} records are in quarantine`;
  const remedy = 'hal9-migrate state quarantine list, repair the rows, then replay';
  return mode === 'strict'
    ? fail('quarantine', detail, remedy)
    : { name: 'quarantine', result: 'warn', detail, remedy };
}

function categoryCheck(report: VerificationReport, category: Category): Check {
  const counts = report.byCategory[category];
  if (counts === undefined) return fail(category, 'it was not looked at', 'hal9-migrate state verify');
  const detail = `${count(counts.verified)} of ${count(counts.total)} verified`;
  const differing = counts.mismatches + counts.missing + counts.extra + counts.pending;
  return differing === 0
    ? pass(category, detail)
    : fail(category, `${detail}, ${count(differing)} are not`, 'hal9-migrate state verify');
}

function pass(name: string, detail: string): Check {
  return { name, result: 'pass', detail, remedy: null };
}

function fail(name: string, detail: string, remedy: string): Check {
  return { name, result: 'fail', detail, remedy };
}
