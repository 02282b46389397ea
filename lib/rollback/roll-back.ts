import type { AuditLog } from '../audit/ports.ts';
import type { FlagStore } from '../flags/ports.ts';
import type { Clock, Sleeper } from '../kernel/clock.ts';
import { HalError } from '../kernel/errors.ts';
import { changeRun } from '../orchestrator/change-run.ts';
import type { FunctionInvoker } from '../orchestrator/function-invoker.ts';
import type { Lock, RunStore } from '../orchestrator/ports.ts';
import { closeAttempt, type RollbackRecord, type RunRecord } from '../orchestrator/run.ts';
import { faultOf } from '../orchestrator/state-answers.ts';
import type { Category } from '../migration/category.ts';
import { beginStatePhase } from '../orchestrator/state-phase.ts';
import type { RouteStore } from '../router/ports.ts';
import type { Routes } from '../router/routes.ts';
import { actionsOf, planRollback, rollbackEdit, type RollbackAction } from './plan-rollback.ts';
import type { RollbackRequest } from './request.ts';
import { restoreFlatAuthority } from './restore-authority.ts';

export interface RollBackDeps {
  /** All that the migration has, in its order. */
  readonly categories: readonly Category[];
  readonly runs: RunStore;
  readonly flags: FlagStore;
  readonly routes: RouteStore;
  readonly invoker: FunctionInvoker;
  readonly lock: Lock;
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly sleeper: Sleeper;
}

export type RollbackAnswer =
  | { readonly kind: 'rolled-back'; readonly record: RollbackRecord; readonly warnings: readonly string[] }
  | { readonly kind: 'nothing-to-do'; readonly why: string; readonly last: RollbackRecord | null }
  /** Traffic is back; somebody else is moving the state. */
  | { readonly kind: 'under-way'; readonly record: RollbackRecord; readonly holder: string };

const lockLeaseMs = 90_000;
const attemptsPerEffect = 3;
/** Beyond every epoch that a run could have claimed meanwhile, for when its record cannot be read. */
const blindEpochJump = 1000;

/**
 * Takes traffic back, then the authority over the state. Traffic comes first and waits for nobody: routes and flags
 * are written side by side, without a lock, and the failure of one does not stop the other. Repeating the call is
 * harmless and finishes what was left; a second trigger of the same incident finds it done. Needs no approval.
 * Throws a HalError `RollbackIncomplete` when something could not be done, after doing everything else.
 */
export function makeRollBack(deps: RollBackDeps): (request: RollbackRequest) => Promise<RollbackAnswer> {
  return async (request) => {
    const startedAtMs = deps.clock.nowMs();
    const published = await attempt(() => deps.routes.read());
    const claim = await claimRollback(deps, request, published.value ?? null, startedAtMs);
    if (claim.kind === 'nothing-to-do') return claim;
    const { record, actions } = claim;
    const traffic = await takeTraffic(deps, request, record, actions);
    const inTraffic: RollbackRecord = {
      ...record,
      routingEpoch: Math.max(record.routingEpoch, traffic.routingEpoch),
      trafficWrittenAtMs: record.trafficWrittenAtMs ?? traffic.writtenAtMs,
    };
    await attempt(() => note(deps, inTraffic));
    const state = await moveState(deps, inTraffic, actions);
    if (state.kind === 'busy') return { kind: 'under-way', record: inTraffic, holder: state.holder };
    const failures = [...claim.failures, ...traffic.failures, ...state.failures];
    const ended: RollbackRecord = { ...inTraffic, authorityMovedAtMs: state.movedAtMs, failures };
    return conclude(deps, request, ended, state.stays);
  };
}

interface Claimed {
  readonly kind: 'claimed';
  readonly record: RollbackRecord;
  readonly actions: readonly RollbackAction[];
  readonly failures: readonly string[];
}

type Claim = Claimed | Extract<RollbackAnswer, { kind: 'nothing-to-do' }>;

/** Raises the run's epoch before anything else, so that every older actor is refused from here on. */
async function claimRollback(
  deps: RollBackDeps,
  request: RollbackRequest,
  published: Routes | null,
  startedAtMs: number,
): Promise<Claim> {
  try {
    let claim: Claim | null = null;
    while (claim === null) {
      claim = await tryClaim(deps, request, published, startedAtMs);
    }
    return claim;
  } catch (fault) {
    // What an operator asked wrongly is told to the operator; a record that cannot be reached must not stop the traffic.
    if (fault instanceof HalError && fault.exit === 'usage') throw fault;
    const record = newRecord(request, startedAtMs, {
      fromPhase: 'none',
      toPhase: 'none',
      routingEpoch: (published?.routingEpoch ?? 0) + blindEpochJump,
    });
    const actions = actionsOf(null, published, request, record, deps.categories);
    return { kind: 'claimed', record, actions, failures: [`run record: ${faultOf(fault).message}`] };
  }
}

/** null when the record moved meanwhile. */
async function tryClaim(
  deps: RollBackDeps,
  request: RollbackRequest,
  published: Routes | null,
  startedAtMs: number,
): Promise<Claim | null> {
  const run = await deps.runs.current();
  const last = run?.rollbacks.at(-1) ?? null;
  if (isCarriedOut(run, request)) return { kind: 'nothing-to-do', why: 'this request was carried out', last };
  const plan = planRollback(run, published, request, deps.categories);
  if (plan.kind === 'nothing-to-do') return { ...plan, last };
  if (run?.status === 'rolling-back' && last !== null) {
    const actions = actionsOf(run, published, request, last, deps.categories);
    return { kind: 'claimed', record: last, actions, failures: [] };
  }
  const record = newRecord(request, startedAtMs, plan);
  const isClaimed = run === null || (await deps.runs.update(run, rollingBack(run, record))) !== null;
  return isClaimed ? { kind: 'claimed', record, actions: plan.actions, failures: [] } : null;
}

function isCarriedOut(run: RunRecord | null, request: RollbackRequest): boolean {
  if (run === null || run.status === 'rolling-back') return false;
  return run.rollbacks.at(-1)?.rollbackId === request.rollbackId;
}

function rollingBack(run: RunRecord, record: RollbackRecord): RunRecord {
  return {
    ...run,
    status: 'rolling-back',
    routingEpoch: record.routingEpoch,
    reason: record.reason,
    endedAtMs: null,
    attempts: closeAttempt(run, 'rolled-back', record.startedAtMs),
    rollbacks: [...run.rollbacks, record].slice(-100),
  };
}

function newRecord(
  request: RollbackRequest,
  startedAtMs: number,
  target: Pick<RollbackRecord, 'fromPhase' | 'toPhase' | 'routingEpoch'>,
): RollbackRecord {
  return {
    rollbackId: request.rollbackId,
    fromPhase: target.fromPhase,
    toPhase: target.toPhase,
    trigger: request.trigger,
    reason: request.reason,
    routingEpoch: target.routingEpoch,
    triggeredAtMs: request.triggeredAtMs,
    startedAtMs,
    trafficWrittenAtMs: null,
    authorityMovedAtMs: null,
    endedAtMs: null,
    failures: [],
  };
}

interface TakenTraffic {
  readonly writtenAtMs: number | null;
  readonly routingEpoch: number;
  readonly failures: readonly string[];
}

async function takeTraffic(
  deps: RollBackDeps,
  request: RollbackRequest,
  record: RollbackRecord,
  actions: readonly RollbackAction[],
): Promise<TakenTraffic> {
  const published = actions.find((action) => action.kind === 'publish-routes');
  const [routes, flags] = await Promise.all([
    attempt(() => repeated(deps, () => publishRoutes(deps, published?.routes))),
    attempt(() => repeated(deps, () => writeFlags(deps, request, record))),
  ]);
  const times = [routes.value, flags.value?.atMs].filter((atMs) => atMs !== undefined);
  return {
    writtenAtMs: times.length === 0 ? null : Math.min(...times),
    routingEpoch: flags.value?.routingEpoch ?? record.routingEpoch,
    failures: [
      ...(routes.fault === null ? [] : [`routes: ${routes.fault}`]),
      ...(flags.fault === null ? [] : [`flags: ${flags.fault}`]),
    ],
  };
}

async function publishRoutes(deps: RollBackDeps, routes: Routes | undefined): Promise<number> {
  if (routes === undefined) return deps.clock.nowMs();
  const outcome = await deps.routes.publish(routes);
  const isDown = outcome.routes.trafficThousandths <= routes.trafficThousandths || outcome.routes.killSwitch;
  if (outcome.kind !== 'kept-newer' || isDown) return deps.clock.nowMs();
  // Somebody published a share at this very epoch: only a flag that is being deployed right now can have done it.
  throw new Error(`routes of epoch ${outcome.routes.routingEpoch} with traffic are published`);
}

async function writeFlags(
  deps: RollBackDeps,
  request: RollbackRequest,
  record: RollbackRecord,
): Promise<{ atMs: number; routingEpoch: number }> {
  const stamp = { updatedBy: request.trigger, atMs: deps.clock.nowMs(), reason: request.reason };
  const edit = rollbackEdit(record, request, stamp);
  const outcome = await deps.flags.writeFlags({ edit, urgent: true });
  if (outcome.kind === 'deployed' || outcome.kind === 'unchanged') {
    return { atMs: deps.clock.nowMs(), routingEpoch: outcome.flags.document.routingEpoch };
  }
  throw new Error(`the flags were not written: ${outcome.kind}`);
}

type MovedState =
  | {
      readonly kind: 'moved';
      readonly movedAtMs: number | null;
      readonly failures: readonly string[];
      readonly stays: readonly Category[];
    }
  | { readonly kind: 'busy'; readonly holder: string };

async function moveState(
  deps: RollBackDeps,
  record: RollbackRecord,
  actions: readonly RollbackAction[],
): Promise<MovedState> {
  const moves = actions.filter((action) => action.kind === 'authority-to-flat');
  if (moves.length === 0) return { kind: 'moved', movedAtMs: null, failures: [], stays: [] };
  const owner = `${record.rollbackId}/${deps.clock.nowMs()}`;
  const failures: string[] = [];
  const stays: Category[] = [];
  for (const { category } of moves) {
    const lock = await attempt(() => deps.lock.acquire(owner, lockLeaseMs));
    if (lock.value?.acquired === false) return { kind: 'busy', holder: lock.value.holder };
    const moved = await attempt(() => restoreFlatAuthority(deps.invoker, category, record.trigger));
    if (moved.fault !== null) failures.push(`${category}: ${moved.fault}`);
    if (moved.value === 'stays') stays.push(category);
  }
  await attempt(() => deps.lock.release(owner));
  const isBack = failures.length === 0 && stays.length === 0;
  return { kind: 'moved', movedAtMs: isBack ? deps.clock.nowMs() : null, failures, stays };
}

/** Writes down how far it is; a lost note only costs a timestamp. */
function note(deps: RollBackDeps, record: RollbackRecord): Promise<unknown> {
  return changeRun(
    deps.runs,
    (run) => isOurs(run, record),
    (run) => withRecord(run, record),
  );
}

function isOurs(run: RunRecord, record: RollbackRecord): boolean {
  return run.status === 'rolling-back' && run.rollbacks.at(-1)?.rollbackId === record.rollbackId;
}

function withRecord(run: RunRecord, record: RollbackRecord): RunRecord {
  return {
    ...run,
    routingEpoch: Math.max(run.routingEpoch, record.routingEpoch),
    rollbacks: [...run.rollbacks.slice(0, -1), record],
  };
}

async function conclude(
  deps: RollBackDeps,
  request: RollbackRequest,
  open: RollbackRecord,
  stays: readonly Category[],
): Promise<RollbackAnswer> {
  const isDone = open.failures.length === 0;
  const record = isDone ? { ...open, endedAtMs: deps.clock.nowMs() } : open;
  const saved = await attempt(() =>
    changeRun(
      deps.runs,
      (run) => isOurs(run, record),
      (run) => (isDone ? finished(withRecord(run, record), record) : withRecord(run, record)),
    ),
  );
  const audited = await attempt(() =>
    deps.audit.append({
      atMs: deps.clock.nowMs(),
      principal: request.trigger,
      action: 'roll-back',
      facts: { ...record, failures: [...record.failures] },
    }),
  );
  if (isDone && saved.fault === null) {
    return {
      kind: 'rolled-back',
      record,
      warnings: [
        ...(audited.fault === null ? [] : [`audit: ${audited.fault}`]),
        ...stays.map((category) => `${category} stays on the hierarchical side: flat is only read`),
      ],
    };
  }
  throw new HalError({
    name: 'RollbackIncomplete',
    message: `The rollback to ${record.toPhase} is not complete: ${[...record.failures, ...(saved.fault === null ? [] : [saved.fault])].join('; ')}.`,
    remedy: 'It is repeated by itself; or run: hal9-migrate rollback',
    facts: { record },
  });
}

function finished(run: RunRecord, record: RollbackRecord): RunRecord {
  const atMs = record.endedAtMs ?? record.startedAtMs;
  const isAuthorityBack = record.authorityMovedAtMs !== null;
  const { statePhase } = run;
  return {
    ...run,
    status: 'rolled-back',
    phase: record.toPhase,
    endedAtMs: atMs,
    decision: null,
    stepEnteredAtMs: null,
    // What was copied stays and is kept current; only the switches are to be made again.
    statePhase:
      statePhase !== null && isAuthorityBack ? beginStatePhase(statePhase.backfillRunId, atMs) : statePhase,
  };
}

async function repeated<Result>(deps: RollBackDeps, work: () => Promise<Result>): Promise<Result> {
  for (let count = 1; ; count += 1) {
    try {
      return await work();
    } catch (fault) {
      if (count >= attemptsPerEffect) throw fault;
      await deps.sleeper.sleep(200 * count);
    }
  }
}

interface Attempted<Result> {
  readonly value: Result | undefined;
  readonly fault: string | null;
}

/** A fault as a value: here nothing may stop what comes after it. */
async function attempt<Result>(work: () => Promise<Result>): Promise<Attempted<Result>> {
  try {
    return { value: await work(), fault: null };
  } catch (fault) {
    return { value: undefined, fault: faultOf(fault).message };
  }
}
