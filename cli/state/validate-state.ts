import { HalError } from '../../lib/kernel/errors.ts';
import { nearestName } from '../../lib/kernel/nearest-name.ts';
import type { Category } from '../../lib/migration/category.ts';
import type { IntegrityAnswer, IntegrityReport } from '../../lib/migration/integrity/check-integrity.ts';
import type { VerificationReport } from '../../lib/migration/verification-report.ts';
import type { FunctionInvoker } from '../../lib/orchestrator/function-invoker.ts';
import type { Check } from '../../lib/orchestrator/operations/pre-check.ts';
import { count } from '../output/quantities.ts';
import { continuityCheck, performanceCheck, readSamples } from './access-checks.ts';
import { describeState } from './describe-state.ts';
import { checkSessions, sessionCheck } from './session-check.ts';
import {
  categoryCheck,
  consistencyCheck,
  fail,
  identityCheck,
  integrityCheck,
  pass,
  quarantineCheck,
  type ValidationMode,
} from './validation-checks.ts';
import { verifyState } from './verify-state.ts';

/** What can be asked for by name; the copy is always looked at, since nothing else means anything without it. */
export const validationTests = ['schema', 'integrity', 'consistency', 'continuity', 'performance'] as const;
export type ValidationTest = (typeof validationTests)[number];

export interface ValidationRequest {
  readonly categories: readonly Category[];
  readonly mode: ValidationMode;
  readonly tests: readonly ValidationTest[];
  /** Longest time that 19 of 20 reads may take. */
  readonly latencyLimitMs: number;
}

export interface StateValidation {
  readonly passed: boolean;
  readonly mode: ValidationMode;
  readonly checks: readonly Check[];
  readonly integrity: IntegrityReport | null;
  readonly verification: VerificationReport | null;
}

/** All without any. Throws HalError `UnknownTest`. */
export function parseValidationTests(given: readonly string[]): readonly ValidationTest[] {
  if (given.length === 0) return validationTests;
  return given.map((name) => {
    const found = validationTests.find((known) => known === name.trim().toLowerCase());
    if (found !== undefined) return found;
    const suggestion = nearestName(name, validationTests);
    throw new HalError({
      name: 'UnknownTest',
      message: `There is no test "${name}".${suggestion === null ? '' : ` Did you mean "${suggestion}"?`}`,
      remedy: `Choose from ${validationTests.join(', ')}.`,
      exit: 'usage',
      facts: { given: name, known: validationTests },
    });
  });
}

/** Schema, then what each side holds by itself, then both compared. A check that could not look has failed. */
export async function validateState(
  invoker: FunctionInvoker,
  request: ValidationRequest,
  onProgress: (text: string) => void,
): Promise<StateValidation> {
  const { categories, mode } = request;
  const asks = (test: ValidationTest): boolean => request.tests.includes(test);
  const checks: Check[] = asks('schema') ? [await checkSchema(invoker)] : [];
  const copy = await checkCopy(invoker, categories);
  checks.push(copy);
  const integrity = asks('integrity') ? await readIntegrity(invoker, categories, onProgress) : null;
  if (integrity !== null) checks.push(integrityCheck(integrity, mode));
  if (copy.result !== 'pass') return { passed: false, mode, checks, integrity, verification: null };
  const verification = asks('consistency') ? await compare(invoker, categories, onProgress) : null;
  if (verification !== null) {
    checks.push(
      consistencyCheck(verification),
      identityCheck(verification),
      quarantineCheck(verification, mode),
    );
  }
  checks.push(...(await checkAccess(invoker, request, onProgress)));
  if (verification !== null) {
    for (const category of categories) checks.push(categoryCheck(verification, category));
  }
  return { passed: checks.every(({ result }) => result !== 'fail'), mode, checks, integrity, verification };
}

async function checkCopy(invoker: FunctionInvoker, categories: readonly Category[]): Promise<Check> {
  const { changeLogInstalled, categories: statuses } = await describeState(invoker);
  const chosen = statuses.filter(({ category }) => categories.includes(category));
  const open = chosen.filter(({ backfill }) => !backfill.complete).map(({ category }) => category);
  if (changeLogInstalled && open.length === 0)
    return pass('copy', `${count(chosen.length)} categories are copied`);
  const missing = changeLogInstalled ? open.join(', ') : 'anything';
  return fail('copy', `not copied: ${missing}`, 'hal9-migrate state migrate');
}

async function checkAccess(
  invoker: FunctionInvoker,
  { categories, tests, latencyLimitMs }: ValidationRequest,
  onProgress: (text: string) => void,
): Promise<readonly Check[]> {
  const asked = (['continuity', 'performance'] as const).filter((test) => tests.includes(test));
  if (asked.length === 0) return [];
  onProgress('reading records by key');
  const found = await readSamples(invoker, categories);
  const checks = asked.map((test) =>
    test === 'continuity' ? continuityCheck(found) : performanceCheck(found, latencyLimitMs),
  );
  if (!tests.includes('continuity') || !categories.includes('user-sessions')) return checks;
  return [...checks, sessionCheck(await checkSessions(invoker, onProgress))];
}

async function compare(
  invoker: FunctionInvoker,
  categories: readonly Category[],
  onProgress: (text: string) => void,
): Promise<VerificationReport> {
  return await verifyState(invoker, categories, ({ scanned }) => {
    onProgress(`comparing  ${count(scanned.rows)} rows  ${count(scanned.records)} records`);
  });
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
  categories: readonly Category[],
  onProgress: (text: string) => void,
): Promise<IntegrityReport> {
  let cursor: string | null = null;
  for (;;) {
    const answer = (await invoker.invoke('check-integrity', { categories, cursor })) as IntegrityAnswer;
    const { rows, records } = answer.report.scanned;
    onProgress(`looking at  ${count(rows)} rows  ${count(records)} records`);
    if (answer.done) return answer.report;
    ({ cursor } = answer);
  }
}
