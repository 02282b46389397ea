import type { Clock } from '../kernel/clock.ts';
import type { Category } from '../migration/category.ts';
import type { FunctionInvoker } from './function-invoker.ts';
import { isForLayers, publishPage } from './publish-layers.ts';
import {
  faultOf,
  parseCopyProgress,
  parseSource,
  parseVerification,
  type VerificationSummary,
} from './state-answers.ts';

/**
 * How far the state phase is. Each stage is one short, idempotent call, so a crash repeats at most one of them:
 *
 * - `install`: put the change log into the flat store.
 * - `plan`: cut the tables into ranges and send them.
 * - `copy`: wait until every range is complete.
 * - `verify`: compare both sides completely, page after page.
 * - `switch`: move the authority of one category after the other, with live requests between two of them.
 * - `post-verify`: compare once more, now that the hierarchical side owns the state.
 * - `done`: the state has moved.
 */
export interface StatePhase {
  /** Names the backfill; kept over rollbacks, since what was copied stays copied and is kept current by the relay. */
  readonly backfillRunId: string;
  readonly stage: 'install' | 'plan' | 'copy' | 'verify' | 'switch' | 'post-verify' | 'done';
  /** When the stage, or the last thing that moved in it, was reached. */
  readonly progressedAtMs: number;
  readonly completeRanges: number;
  readonly openRanges: number;
  readonly verifyCursor: string | null;
  /** Those that the flat store has, in migration order; known once the change log is installed. */
  readonly categories: readonly Category[];
  /** In migration order. */
  readonly switched: readonly Category[];
  /** Where the comparison that publishes the layers of the neurons goes on; null or absent while none is made. */
  readonly publishing?: { readonly cursor: string | null } | null;
  /** Comparisons that found a layer unsound. */
  readonly unsoundLayers?: number;
  readonly before: VerificationSummary | null;
  readonly after: VerificationSummary | null;
}

export function beginStatePhase(backfillRunId: string, nowMs: number): StatePhase {
  return {
    backfillRunId,
    stage: 'install',
    progressedAtMs: nowMs,
    completeRanges: 0,
    openRanges: 0,
    verifyCursor: null,
    categories: [],
    switched: [],
    before: null,
    after: null,
  };
}

/** True when a category may have changed hands, so that a way back has to move the authority too. */
export function mayHaveSwitched(state: StatePhase | null): boolean {
  return state !== null && ['switch', 'post-verify', 'done'].includes(state.stage);
}

/** How many requests the edge served; null when nothing was measured. */
interface LiveTraffic {
  requestsBetween(startMs: number, endMs: number): Promise<number | null>;
}

export interface StatePhaseDeps {
  readonly invoker: FunctionInvoker;
  readonly clock: Clock;
  readonly traffic: LiveTraffic;
  /** Requests that must have gone well between two categories' switches, when there is traffic. */
  readonly minRequestsBetweenSwitches: number;
  /** Without any request for so long there is no traffic to wait for. */
  readonly quietAfterMs: number;
}

export type StateStep =
  | { readonly kind: 'moved-on'; readonly state: StatePhase }
  | { readonly kind: 'waiting'; readonly state: StatePhase; readonly why: string }
  | {
      readonly kind: 'failed';
      readonly state: StatePhase;
      readonly why: string;
      readonly response: 'hold' | 'roll-back';
    }
  | { readonly kind: 'done'; readonly state: StatePhase };

/** Does the next short piece of work. Doing it twice does no harm. */
export function advanceStatePhase(deps: StatePhaseDeps, state: StatePhase): Promise<StateStep> {
  switch (state.stage) {
    case 'install':
      return install(deps, state);
    case 'plan':
      return plan(deps, state);
    case 'copy':
      return watchCopy(deps, state);
    case 'verify':
    case 'post-verify':
      return verify(deps, state);
    case 'switch':
      return switchNext(deps, state);
    case 'done':
      return Promise.resolve({ kind: 'done', state });
    default:
      return state.stage satisfies never;
  }
}

function movedOn(deps: StatePhaseDeps, state: StatePhase, change: Partial<StatePhase>): StateStep {
  return { kind: 'moved-on', state: { ...state, ...change, progressedAtMs: deps.clock.nowMs() } };
}

async function install(deps: StatePhaseDeps, state: StatePhase): Promise<StateStep> {
  const { authorities } = parseSource(await deps.invoker.invoke('prepare-source', { action: 'install' }));
  // The answer names them in migration order.
  return movedOn(deps, state, { stage: 'plan', categories: Object.keys(authorities) });
}

async function plan(deps: StatePhaseDeps, state: StatePhase): Promise<StateStep> {
  await deps.invoker.invoke('plan-batches', { action: 'plan', runId: state.backfillRunId });
  return movedOn(deps, state, { stage: 'copy' });
}

async function watchCopy(deps: StatePhaseDeps, state: StatePhase): Promise<StateStep> {
  const answer = await deps.invoker.invoke('plan-batches', {
    action: 'progress',
    runId: state.backfillRunId,
  });
  const { complete, completeRanges, openRanges, copy } = parseCopyProgress(answer);
  const change = { completeRanges, openRanges };
  if (complete) return movedOn(deps, state, { ...change, stage: 'verify', verifyCursor: null });
  const stopped = copy?.stopped === true ? `; the copy was stopped by ${copy.by}: ${copy.reason}` : '';
  const why = `${openRanges} of ${openRanges + completeRanges} ranges are not copied yet${stopped}`;
  if (completeRanges === state.completeRanges)
    return { kind: 'waiting', state: { ...state, ...change }, why };
  const progressed = { ...state, ...change, progressedAtMs: deps.clock.nowMs() };
  return { kind: 'waiting', state: progressed, why };
}

async function verify(deps: StatePhaseDeps, state: StatePhase): Promise<StateStep> {
  const answer = await deps.invoker.invoke('verify-state', {
    categories: state.categories,
    cursor: state.verifyCursor,
  });
  const { done, cursor, summary } = parseVerification(answer);
  if (!done) return movedOn(deps, state, { verifyCursor: cursor });
  const isBefore = state.stage === 'verify';
  const verified = { ...state, verifyCursor: null, [isBefore ? 'before' : 'after']: summary };
  const differences = summary.mismatches + summary.missing + summary.extra;
  if (differences === 0 && summary.outcome !== 'unproven') {
    return movedOn(deps, verified, { stage: isBefore ? 'switch' : 'done' });
  }
  const why =
    differences === 0
      ? 'the verification proved nothing: it compared no record, or did not find the damage planted in it'
      : `${differences} records differ (${summary.mismatches} mismatches, ${summary.missing} missing, ${summary.extra} extra)`;
  // Before the switch no user depends on the copy; after it, the copy is what users read.
  return { kind: 'failed', state: verified, why, response: isBefore ? 'hold' : 'roll-back' };
}

/** The category whose turn it is; undefined when all have moved. */
export function nextToSwitch(state: StatePhase): Category | undefined {
  return state.categories[state.switched.length];
}

async function switchNext(deps: StatePhaseDeps, state: StatePhase): Promise<StateStep> {
  if (state.publishing !== undefined && state.publishing !== null)
    return await publishNext(deps, state, state.publishing.cursor);
  const category = nextToSwitch(state);
  if (category === undefined) return movedOn(deps, state, { stage: 'post-verify', verifyCursor: null });
  const waiting = await waitForTraffic(deps, state);
  if (waiting !== null) return { kind: 'waiting', state, why: waiting };
  try {
    await deps.invoker.invoke('switch-authority', {
      category,
      to: 'hierarchical',
      action: 'switch',
      requestedBy: 'evaluate-gate',
    });
  } catch (fault) {
    if (isForLayers(fault)) return movedWithin(deps, state, { publishing: { cursor: null } });
    const { name, message } = faultOf(fault);
    if (!refusedForNow.has(name)) throw fault;
    return { kind: 'waiting', state, why: message };
  }
  return movedOn(deps, state, { switched: [...state.switched, category] });
}

/** Layers are published before the fence, a stretch of the graph at a time: nobody waits for it. */
async function publishNext(
  deps: StatePhaseDeps,
  state: StatePhase,
  cursor: string | null,
): Promise<StateStep> {
  const page = await publishPage(deps.invoker, cursor);
  if (page.kind === 'going-on') return movedWithin(deps, state, { publishing: { cursor: page.cursor } });
  if (page.kind === 'published') return movedOn(deps, state, { publishing: null, unsoundLayers: 0 });
  // What differs may be a change that takes its time; the next look begins anew.
  const unsoundLayers = (state.unsoundLayers ?? 0) + 1;
  return { kind: 'waiting', state: { ...state, publishing: null, unsoundLayers }, why: page.why };
}

/** The first comparison is progress; repetitions are not, so that patience with unsound layers ends. */
function movedWithin(deps: StatePhaseDeps, state: StatePhase, change: Partial<StatePhase>): StateStep {
  if ((state.unsoundLayers ?? 0) === 0) return movedOn(deps, state, change);
  return { kind: 'moved-on', state: { ...state, ...change } };
}

/** The switch was refused or given up before anything moved, and may go through later. */
const refusedForNow = new Set([
  'BackfillIncomplete',
  'RelayLagTooHigh',
  'ReversePathUnproven',
  'SwitchStalled',
]);

/** Requests since the last switch show that both systems live with it before the next one follows. */
async function waitForTraffic(deps: StatePhaseDeps, state: StatePhase): Promise<string | null> {
  const nowMs = deps.clock.nowMs();
  const wanted = deps.minRequestsBetweenSwitches;
  if (wanted === 0) return null;
  const served = (await deps.traffic.requestsBetween(state.progressedAtMs, nowMs)) ?? 0;
  if (served >= wanted) return null;
  if (served === 0 && nowMs - state.progressedAtMs >= deps.quietAfterMs) return null;
  return `${served} of ${wanted} requests were seen since the last switch`;
}
