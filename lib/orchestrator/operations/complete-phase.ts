import type { AuditLog } from '../../audit/ports.ts';
import type { Clock } from '../../kernel/clock.ts';
import { HalError } from '../../kernel/errors.ts';
import type { StateDescription } from '../../migration/state-description.ts';
import { writeModeOf } from '../../migration/write-mode.ts';
import type { Checkpoint } from '../checkpoint.ts';
import type { CheckpointStore, RunStore } from '../ports.ts';
import { currentStep, isActive, type RunRecord } from '../run.ts';
import { parsePhase } from '../plan.ts';
import type { Check } from './pre-check.ts';

export interface CompletePhaseDeps {
  readonly runs: RunStore;
  readonly checkpoints: CheckpointStore;
  readonly audit: AuditLog;
  readonly clock: Clock;
}

/** Throws HalError `PhaseNotByHand` for a phase that its own gates complete. */
export function requireCompletable(given: string): void {
  const phase = parsePhase(given);
  if (phase === 'state-migration') return;
  throw new HalError({
    name: 'PhaseNotByHand',
    message: `The phase ${phase} is completed by its gates, not by a command.`,
    remedy: 'Watch them with `hal9-migrate status --detailed`; only state-migration is completed by hand.',
    exit: 'usage',
    facts: { phase },
  });
}

/** Checkpoints that are looked through for one made after the last switch. */
const mostCheckpoints = 100;

/** What must hold besides a validation before the state phase is over: where writes go, and a mark of where it ended. */
export async function completionEvidence(
  deps: Pick<CompletePhaseDeps, 'runs' | 'checkpoints'>,
  description: StateDescription,
): Promise<readonly Check[]> {
  const [run, checkpoints] = await Promise.all([deps.runs.current(), deps.checkpoints.list(mostCheckpoints)]);
  return [runCheck(run), authorityCheck(description), checkpointCheck(description, checkpoints)];
}

function runCheck(run: RunRecord | null): Check {
  if (run === null || !isActive(run)) return pass('no-run', 'no run is at work');
  return fail(
    'no-run',
    `the run ${run.runId} is at work (${run.phase}, ${run.status})`,
    'hal9-migrate status --watch',
  );
}

function authorityCheck({ changeLogInstalled, categories, settings }: StateDescription): Check {
  const name = 'authority';
  const remedy = 'hal9-migrate mode migration --disable-dual-write';
  if (!changeLogInstalled || categories.length === 0) {
    return fail(
      name,
      'nothing was copied, and flat has authority over everything',
      'hal9-migrate state migrate',
    );
  }
  const behind = categories
    .map((status) => [status.category, writeModeOf(status, settings.migrationMode)] as const)
    .filter(([, mode]) => mode !== 'hierarchical-only');
  if (behind.length === 0)
    return pass(name, `Write Mode: hierarchical-only, ${categories.length} categories`);
  return fail(name, behind.map(([category, mode]) => `${category} is ${mode}`).join(', '), remedy);
}

function checkpointCheck({ categories }: StateDescription, checkpoints: readonly Checkpoint[]): Check {
  const name = 'checkpoint';
  const openedAtMs = Math.max(0, ...categories.map(({ switch: last }) => last?.openedAtMs ?? 0));
  const made = checkpoints.find(
    ({ createdAtMs, hashes }) => createdAtMs > openedAtMs && hashes !== undefined,
  );
  if (made !== undefined) return pass(name, `${made.checkpointId} was made after the last switch`);
  return fail(
    name,
    'no checkpoint with hashes was made after the last switch',
    'hal9-migrate state checkpoint --name post-state-migration',
  );
}

export interface Completion {
  /** Whether the run's own phase moved on with it, so that ramp-up may follow. */
  readonly phaseMoved: boolean;
  readonly phase: string;
}

/**
 * Marks the state phase complete: in the audit log with its evidence, and in the run where one stands before or in this
 * phase. Throws HalError `PhaseContended` when the run moved meanwhile.
 */
export async function completeStatePhase(
  deps: CompletePhaseDeps,
  request: { readonly by: string; readonly checks: readonly Check[] },
): Promise<Completion> {
  const run = await deps.runs.current();
  const next = run === null ? null : completedRun(run, request.by, deps.clock.nowMs());
  if (run !== null && next !== null && (await deps.runs.update(run, next)) === null) throw contended(run);
  await deps.audit.append({
    atMs: deps.clock.nowMs(),
    principal: `operator:${request.by}`,
    action: 'complete-phase',
    facts: {
      phase: 'state-migration',
      evidence: request.checks.map(({ name, detail }) => ({ name, detail })),
    },
  });
  return { phaseMoved: next !== null, phase: (next ?? run)?.phase ?? 'none' };
}

/** The run with this phase behind it; null where there is nothing to move: too early, or past it. */
function completedRun(run: RunRecord, by: string, nowMs: number): RunRecord | null {
  const reason = `state-migration was completed by ${by}`;
  if (run.status === 'completed' && run.phase === 'canary') {
    return { ...run, phase: 'state-migration', endedAtMs: nowMs, reason };
  }
  if (run.status !== 'held' || currentStep(run).phase !== 'state-migration') return null;
  const decision = { stepIndex: run.stepIndex, verdict: 'advance' as const, reason };
  const statePhase = run.statePhase === null ? null : { ...run.statePhase, stage: 'done' as const };
  return { ...run, phase: 'state-migration', decision, statePhase, reason };
}

function contended(run: RunRecord): HalError {
  return new HalError({
    name: 'PhaseContended',
    message: `The run ${run.runId} moved while its phase was being completed.`,
    remedy: 'Look at `hal9-migrate status`, then repeat the command.',
    exit: 'conflict',
    facts: { runId: run.runId },
  });
}

function pass(name: string, detail: string): Check {
  return { name, result: 'pass', detail, remedy: null };
}

function fail(name: string, detail: string, remedy: string): Check {
  return { name, result: 'fail', detail, remedy };
}
