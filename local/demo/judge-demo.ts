import type { RunRecord } from '../../lib/orchestrator/run.ts';
import { leastAcknowledged } from './demo-stage.ts';
import type { DemoRollback, DemoSummary } from './demo-summary.ts';

export interface DemoEvidence {
  readonly run: RunRecord | null;
  readonly isEveryRecordProven: boolean;
  readonly faults: boolean;
  readonly summary: Omit<DemoSummary, 'outcome' | 'failures'>;
}

/** Everything that must hold and does not, in words; empty when the demo is a success. */
export function judgeDemo({ run, isEveryRecordProven, faults, summary }: DemoEvidence): readonly string[] {
  const { state, traffic, history } = summary;
  return [
    ...judgeRun(run),
    ...(faults ? judgeRollbacks(summary.rollbacks) : []),
    ...summary.windows
      .filter(({ acknowledgedWrites }) => acknowledgedWrites < leastAcknowledged)
      .map(
        ({ name, acknowledgedWrites }) =>
          `only ${acknowledgedWrites} writes were acknowledged during: ${name}`,
      ),
    ...(isEveryRecordProven ? [] : ['the last verification did not prove that both sides are equal']),
    ...notZero('records', state, ['mismatches', 'missing', 'extra', 'pending']),
    ...(traffic.failed === 0 ? [] : [`${traffic.failed} requests failed outside of the injected faults`]),
    ...notZero('in the history of the users', history, [
      'lostWrites',
      'staleReads',
      'resurrections',
      'unexplainedReads',
    ]),
  ];
}

function judgeRun(run: RunRecord | null): readonly string[] {
  if (run === null) return ['no migration was started'];
  const unfinished = run.steps.filter(
    ({ id }) => run.attempts.findLast(({ stepId }) => stepId === id)?.outcome !== 'passed',
  );
  return [
    ...(run.status === 'completed' ? [] : [`the migration is ${run.status} in phase ${run.phase}`]),
    ...unfinished.map(({ id }) => `step ${id} did not pass in its last attempt`),
  ];
}

function judgeRollbacks(rollbacks: readonly DemoRollback[]): readonly string[] {
  const injected = rollbacks.filter((rollback) => rollback.injected !== null);
  return [
    ...(injected.length === 2 ? [] : [`${injected.length} of 2 injected faults were rolled back`]),
    ...injected
      .filter(({ trigger }) => !trigger.startsWith('alarm:'))
      .map(
        ({ injected: what, trigger }) =>
          `the rollback after broken ${what} came from ${trigger}, not from an alarm`,
      ),
    ...(injected.some(({ stateRestored }) => stateRestored) || injected.length < 2
      ? []
      : ['no rollback took the authority over the state back']),
  ];
}

function notZero<Name extends string>(
  what: string,
  counts: Readonly<Record<Name, number>>,
  names: readonly Name[],
): readonly string[] {
  return names.filter((name) => counts[name] !== 0).map((name) => `${name} ${what}: ${counts[name]}, not 0`);
}
