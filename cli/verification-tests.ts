import { HalError } from '../lib/kernel/errors.ts';
import { nearestName } from '../lib/kernel/nearest-name.ts';
import { totalOf } from '../lib/migration/verification-report.ts';
import { metricNames, type MetricName } from '../lib/monitoring/metric-names.ts';
import type { MetricQuery } from '../lib/monitoring/ports.ts';
import type { Check } from '../lib/orchestrator/operations/pre-check.ts';
import type { Connection } from './connection.ts';
import { openControlPlane, type CliControlPlane } from './control-plane.ts';
import { describeState } from './state/describe-state.ts';
import { verifyState } from './state/verify-state.ts';

type Test = (control: CliControlPlane) => Promise<Omit<Check, 'name'>>;

/** How far back shadow comparisons count. */
const shadowWindowMs = 24 * 3_600_000;
const fewestComparisons = 100;

function sum(id: string, metric: MetricName): MetricQuery {
  return { id, metric, statistic: 'Sum' };
}

/** What `verify --tests` knows; each really looks, and one that saw nothing fails. */
export const verificationTests: Readonly<Record<string, Test>> = {
  'data-integrity': async ({ invoker }) => {
    const { changeLogInstalled, categories: statuses } = await describeState(invoker);
    if (!changeLogInstalled) return fail('nothing has been copied yet', 'hal9-migrate state migrate');
    const categories = statuses.map(({ category }) => category);
    const report = await verifyState(invoker, categories, () => {});
    const { total, mismatches, missing, extra } = totalOf(report);
    const detail = `${report.outcome}: ${total} records, ${mismatches} mismatches, ${missing} missing, ${extra} extra`;
    return report.outcome === 'verified'
      ? pass(detail)
      : fail(detail, 'hal9-migrate state verify names them');
  },
  'state-consistency': async ({ invoker }) => {
    const { changeLogInstalled, categories: statuses } = await describeState(invoker);
    if (!changeLogInstalled) return fail('nothing has been copied yet', 'hal9-migrate state migrate');
    const open = statuses.filter(
      ({ switch: last }) => last !== null && !['done', 'aborted'].includes(last.stage),
    );
    if (open.length === 0) return pass(`${statuses.length} categories, each with one authority`);
    return fail(
      `a switch is under way: ${open.map(({ category }) => category).join(', ')}`,
      'wait for it, or repeat it',
    );
  },
  'shadow-comparison': async ({ metrics }) => {
    const endMs = Date.now();
    const window = { startMs: endMs - shadowWindowMs, endMs };
    const queries = [sum('compared', metricNames.shadowCompared), sum('matched', metricNames.shadowMatched)];
    const readings = await metrics.read(queries, window);
    const compared = readings.get('compared')?.value ?? 0;
    const matched = readings.get('matched')?.value ?? 0;
    const detail = `${matched} of ${compared} comparisons matched in 24 h`;
    if (compared < fewestComparisons)
      return fail(`${detail}; ${fewestComparisons} are needed`, 'leave shadow on for longer');
    return matched / compared >= 0.999
      ? pass(detail)
      : fail(detail, 'look at the differences in the shadow table');
  },
  'endpoint-validation': async ({ probe }) => {
    const [flat, hierarchical] = await Promise.all([probe.check('flat'), probe.check('hierarchical')]);
    const detail = `flat ${flat.detail}, hierarchical ${hierarchical.detail}`;
    return flat.healthy && hierarchical.healthy
      ? pass(detail)
      : fail(detail, 'bring the system up that is down');
  },
};

/** The tests of these names, all without any. Throws a HalError `UnknownTest`. */
export function chosenTests(given: readonly string[]): readonly string[] {
  const known = Object.keys(verificationTests);
  for (const name of given) {
    if (known.includes(name)) continue;
    const suggestion = nearestName(name, known);
    throw new HalError({
      name: 'UnknownTest',
      message: `There is no test "${name}".${suggestion === null ? '' : ` Did you mean "${suggestion}"?`}`,
      remedy: `Choose from ${known.join(', ')}.`,
      exit: 'usage',
      facts: { given: name, known },
    });
  }
  return given.length === 0 ? known : given;
}

export async function runTests(connection: Connection, names: readonly string[]): Promise<readonly Check[]> {
  const control = await openControlPlane(connection);
  const checks: Check[] = [];
  for (const name of names) {
    const test = verificationTests[name];
    if (test !== undefined) checks.push({ name, ...(await test(control)) });
  }
  return checks;
}

function pass(detail: string): Omit<Check, 'name'> {
  return { result: 'pass', detail, remedy: null };
}

function fail(detail: string, remedy: string): Omit<Check, 'name'> {
  return { result: 'fail', detail, remedy };
}
