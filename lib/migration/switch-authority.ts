import type { Clock } from '../kernel/clock.ts';
import { HalError } from '../kernel/errors.ts';
import { attemptOf } from './admission.ts';
import { isBackfillComplete, readBackfillProgress } from './backfill-progress.ts';
import type { Category } from './category.ts';
import { drainForward } from './drain-forward.ts';
import { drainReverse } from './drain-reverse.ts';
import { requireUninterruptedLog } from './log-gaps.ts';
import type {
  AuthorityStore,
  FlatSource,
  RangeStore,
  RelayStore,
  ReversePendingStore,
  SwitchRecord,
  SwitchStore,
} from './ports.ts';
import type { RecordOrigin } from './record.ts';
import { groupCount } from './bucket.ts';
import { proveReversePath } from './reverse-canary.ts';
import {
  noStallLimit,
  requireSmallLag,
  stallLimit,
  type StallLimit,
  type SwitchGuards,
} from './switch-guards.ts';
import { sourceOffline } from './source-offline.ts';
import { tablesOf } from './table-lookup.ts';
import type { WriteImagesDeps } from './write-images.ts';

export interface SwitchAuthorityDeps extends WriteImagesDeps {
  readonly source: FlatSource;
  readonly authority: AuthorityStore;
  readonly ranges: RangeStore;
  readonly relay: RelayStore;
  readonly reversePending: ReversePendingStore;
  readonly switches: SwitchStore;
  readonly clock: Clock;
  /** null only where something else proves the way back, as a simulation does. */
  readonly guards: SwitchGuards | null;
}

interface SwitchRequest {
  readonly category: Category;
  readonly to: RecordOrigin;
  readonly requestedBy: string;
}

export type SwitchResult =
  | { readonly kind: 'switched'; readonly record: SwitchRecord }
  | { readonly kind: 'already-there'; readonly epoch: number }
  | { readonly kind: 'aborted'; readonly record: SwitchRecord }
  | { readonly kind: 'nothing-to-abort' };

export interface SwitchAuthority {
  /**
   * Moves one category: fence the old side, apply everything up to its last version, open the new side at the next
   * epoch. Interrupted anywhere, the same call resumes. Throws HalError `BackfillIncomplete`, `ChangeLogInterrupted`,
   * `RelayLagTooHigh`, `ReversePathUnproven`, `SourceOffline`, `SwitchStalled`, `SwitchUnderWay`, `SwitchAborted` or `AuthorityConflict`.
   */
  switchTo(request: SwitchRequest): Promise<SwitchResult>;
  /** Gives the old side back its writes; refused (HalError `SwitchTooFar`) once the new side is being opened. */
  abort(category: Category): Promise<SwitchResult>;
}

export function makeSwitchAuthority(deps: SwitchAuthorityDeps): SwitchAuthority {
  return {
    async switchTo(request) {
      // Authority first: a switch that already opened the new side is then found under way, or done.
      const flat = await deps.source.authority(request.category);
      const last = await deps.switches.current(request.category);
      if (last !== null && isUnderWay(last)) {
        if (last.to !== request.to) throw underWay(last);
        return { kind: 'switched', record: await runStages(deps, last, 'resumed') };
      }
      const present = flat.state === 'following' ? 'hierarchical' : 'flat';
      if (present === request.to) return { kind: 'already-there', epoch: flat.epoch };
      const begun = await beginSwitch(deps, request, { epoch: flat.epoch + 1, last });
      return { kind: 'switched', record: await runStages(deps, begun, 'begun') };
    },
    async abort(category) {
      const last = await deps.switches.current(category);
      if (last === null || last.stage === 'done') return { kind: 'nothing-to-abort' };
      if (last.stage === 'opening') throw tooFar(last);
      const aborted: SwitchRecord = { ...last, stage: 'aborted' };
      if (last.stage !== 'aborted' && !(await deps.switches.advance(aborted, last.stage))) {
        throw conflict(last, 'it moved on while it was being aborted');
      }
      await unfenceOldSide(deps, aborted);
      return { kind: 'aborted', record: aborted };
    },
  };
}

function isUnderWay({ stage }: SwitchRecord): boolean {
  return stage !== 'done' && stage !== 'aborted';
}

async function beginSwitch(
  deps: SwitchAuthorityDeps,
  request: SwitchRequest,
  { epoch, last }: { readonly epoch: number; readonly last: SwitchRecord | null },
): Promise<SwitchRecord> {
  const { category } = request;
  const canaryMs = await requireReady(deps, request);
  await deps.authority.initialize(category, epoch - 1);
  const record: SwitchRecord = {
    ...request,
    epoch,
    ...(last?.stage === 'aborted' ? { attempt: attemptOf(last) + 1 } : {}),
    stage: 'fencing',
    startedAtMs: deps.clock.nowMs(),
    fencedAtMs: null,
    openedAtMs: null,
    ...(canaryMs === null ? {} : { canaryMs }),
  };
  if (await deps.switches.begin(record)) return record;
  const present = await deps.switches.current(category);
  if (present?.epoch === epoch && present.to === request.to && isUnderWay(present)) return present;
  throw conflict(record, 'another switch of the category began');
}

/** What has to hold before a switch begins; how long the way back took when it was tried, in milliseconds. */
async function requireReady(deps: SwitchAuthorityDeps, request: SwitchRequest): Promise<number | null> {
  const { category, to } = request;
  if (to === 'hierarchical') {
    await requireBackfill(deps, category);
    await requireUninterruptedLog(deps.source, category);
    return await requireWayBack(deps, category);
  }
  if (deps.source.isOffline === true)
    throw sourceOffline(`authority over ${category} cannot go back to flat`, { category });
  return null;
}

/** Rows that were not copied yet would be unknown to the new authority. */
async function requireBackfill(deps: SwitchAuthorityDeps, category: Category): Promise<void> {
  const runId = await deps.ranges.currentRun();
  for (const { recordType } of tablesOf(deps.definition, category)) {
    const progress = runId === null ? null : await readBackfillProgress(deps.ranges, runId, recordType);
    if (progress !== null && isBackfillComplete(progress)) continue;
    throw new HalError({
      name: 'BackfillIncomplete',
      message: `${category} cannot change authority: the copy of ${recordType} is not complete`,
      remedy: 'wait until `state progress` shows the category complete, then switch again',
      exit: 'gateFailed',
      facts: { category, recordType, runId, progress },
    });
  }
}

/** Little to apply, and a reverse path that has just carried a record: how long that took, in milliseconds. */
async function requireWayBack(deps: SwitchAuthorityDeps, category: Category): Promise<number | null> {
  const { guards, clock } = deps;
  if (guards === null) return null;
  const { switchLimits } = await guards.settings.read();
  await requireSmallLag(deps, category, { nowMs: clock.nowMs(), limit: switchLimits.relayLagEntries });
  // Nothing can be carried back, which whoever chose such a store was told.
  if (deps.source.isOffline === true) return null;
  return await proveReversePath({ ...guards, clock }, category);
}

interface StageContext {
  /** When the fence may have begun to hold writers up; a crash may have left it standing. */
  fenceBeganMs(): number;
  stallOf(record: SwitchRecord): StallLimit;
}

/** Each stage is idempotent and returns the record of the next one, or null when somebody else moved on. */
type Stage = (
  deps: SwitchAuthorityDeps,
  record: SwitchRecord,
  context: StageContext,
) => Promise<SwitchRecord | null>;

async function contextOf(
  deps: SwitchAuthorityDeps,
  record: SwitchRecord,
  start: 'begun' | 'resumed',
): Promise<StageContext> {
  const { clock, guards } = deps;
  const limitMs = guards === null ? null : (await guards.settings.read()).switchLimits.stallMs;
  return {
    fenceBeganMs: () => (start === 'resumed' ? record.startedAtMs : clock.nowMs()),
    stallOf({ category, fencedAtMs }) {
      if (limitMs === null || fencedAtMs === null) return noStallLimit;
      return stallLimit(category, { limitMs, waitedMs: () => clock.nowMs() - fencedAtMs });
    },
  };
}

async function runStages(
  deps: SwitchAuthorityDeps,
  begun: SwitchRecord,
  start: 'begun' | 'resumed',
): Promise<SwitchRecord> {
  const context = await contextOf(deps, begun, start);
  let record = begun;
  while (record.stage !== 'done') {
    if (record.stage === 'aborted') return await stopAborted(deps, record);
    const stage = record.to === 'hierarchical' ? forward[record.stage] : backward[record.stage];
    const next = await stage(deps, record, context);
    const advanced = next !== null && (await deps.switches.advance(next, record.stage));
    record = advanced ? next : await rereadRecord(deps, record);
  }
  return record;
}

/** What the store says now, when this executor's view of the switch is outdated. */
async function rereadRecord(deps: SwitchAuthorityDeps, seen: SwitchRecord): Promise<SwitchRecord> {
  const present = await deps.switches.current(seen.category);
  const isSame = present?.epoch === seen.epoch && attemptOf(present) === attemptOf(seen);
  if (present === null || !isSame || present.to !== seen.to) {
    throw conflict(seen, 'the category went on to another switch');
  }
  if (present.stage === seen.stage) throw conflict(seen, `the old side is not at epoch ${seen.epoch - 1}`);
  return present;
}

/** Aborted in the middle of this executor's fence, which must not stay behind. */
async function stopAborted(deps: SwitchAuthorityDeps, record: SwitchRecord): Promise<never> {
  await unfenceOldSide(deps, record);
  throw new HalError({
    name: 'SwitchAborted',
    message: `the switch of ${record.category} to ${record.to} was aborted`,
    remedy: 'start it again when the reason of the abort is gone',
    exit: 'conflict',
    facts: { ...record },
  });
}

async function unfenceOldSide(
  deps: SwitchAuthorityDeps,
  { category, to, epoch }: SwitchRecord,
): Promise<void> {
  if (to === 'hierarchical') await deps.source.unfence(category, epoch - 1);
  else await deps.authority.unfence(category, epoch - 1);
}

/** Faults of a drain that waiting does not mend. */
const endsSwitch: readonly string[] = ['SwitchStalled', 'ChangeLogInterrupted'];

type RunningStage = Exclude<SwitchRecord['stage'], 'done' | 'aborted'>;

const forward: Record<RunningStage, Stage> = {
  async fencing(deps, record, context) {
    const { category, epoch } = record;
    await catchUp(deps, category);
    const fencedAtMs = context.fenceBeganMs();
    const fence = await deps.source.fence(category, epoch - 1);
    if (!fence.fenced) return null;
    return { ...record, stage: 'draining', fencedAtMs };
  },
  async draining(deps, record, context) {
    const fence = await deps.source.fence(record.category, record.epoch - 1);
    if (!fence.fenced) return null;
    const stall = context.stallOf(record);
    try {
      await drainForward(deps, record.category, fence.last.sequence, () => stall.check());
      stall.check();
      // The log may have been lost, and put up again, since the switch began.
      await requireUninterruptedLog(deps.source, record.category);
    } catch (fault) {
      if (fault instanceof HalError && endsSwitch.includes(fault.name)) {
        return await giveUpForFault(deps, record, fault);
      }
      throw fault;
    }
    return { ...record, stage: 'opening' };
  },
  async opening(deps, record) {
    const { category, epoch } = record;
    while (!(await deps.source.follow(category, epoch))) {
      const fence = await deps.source.fence(category, epoch - 1);
      if (!fence.fenced) return null;
      await drainForward(deps, category, fence.last.sequence);
    }
    // An abort that woke up late may have lifted the fence for a while, and another executor put it back. Now that flat
    // follows nothing does that any more: what was written meanwhile is applied before anybody writes elsewhere.
    const { sequence } = await deps.source.lowWatermark(category);
    await drainForward(deps, category, sequence);
    await deps.authority.open(category, 'hierarchical', epoch);
    return openedNow(deps, record);
  },
};

/**
 * Most of the log is applied before the fence, so that writers wait for the rest only. While it is applied more comes,
 * but each round has less to do than the one before.
 */
async function catchUp(deps: SwitchAuthorityDeps, category: Category): Promise<void> {
  let shortestMs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < mostRounds; round += 1) {
    const startedAtMs = deps.clock.nowMs();
    const { sequence } = await deps.source.lowWatermark(category);
    await drainForward(deps, category, sequence);
    const tookMs = deps.clock.nowMs() - startedAtMs;
    if (tookMs <= shortEnoughMs || tookMs >= shortestMs) return;
    shortestMs = tookMs;
  }
}

const mostRounds = 8;
const shortEnoughMs = 200;

function openedNow(deps: SwitchAuthorityDeps, record: SwitchRecord): SwitchRecord {
  const openedAtMs = deps.clock.nowMs();
  return { ...record, stage: 'done', openedAtMs, ...stallUntil(record, openedAtMs) };
}

/** How long writers waited. */
function stallUntil({ fencedAtMs }: SwitchRecord, atMs: number): Pick<SwitchRecord, 'stallMs'> {
  return fencedAtMs === null ? {} : { stallMs: Math.max(0, atMs - fencedAtMs) };
}

const backward: Record<RunningStage, Stage> = {
  async fencing(deps, record, context) {
    // Most of what flat lacks is carried over before the fence, so that writers wait for the rest only.
    try {
      await drainReverse(deps, record.category);
    } catch (fault) {
      return await giveUpForFault(deps, record, fault);
    }
    const fencedAtMs = context.fenceBeganMs();
    await deps.authority.fence(record.category, record.epoch - 1);
    return { ...record, stage: 'draining', fencedAtMs };
  },
  async draining(deps, record) {
    await deps.authority.fence(record.category, record.epoch - 1);
    try {
      if (!(await drainReverse(deps, record.category))) return null;
      await deps.source.requireFitting(record.category);
    } catch (fault) {
      return await giveUpForFault(deps, record, fault);
    }
    return { ...record, stage: 'opening' };
  },
  async opening(deps, record) {
    const { category, epoch } = record;
    await requireFenced(deps, record);
    if (!(await deps.source.open(category, epoch))) return null;
    await deps.authority.open(category, 'flat', epoch);
    return openedNow(deps, record);
  },
};

/**
 * A record that cannot go back to flat is mended by writing it again, for which its side must take writes. What only
 * takes time, like a lock or a store that cannot be reached, leaves the switch where it is, to be resumed.
 */
async function giveUpForFault(
  deps: SwitchAuthorityDeps,
  record: SwitchRecord,
  fault: unknown,
): Promise<never> {
  const isOfData = fault instanceof HalError && fault.exit !== 'unavailable';
  const aborted: SwitchRecord = { ...record, stage: 'aborted', ...stallUntil(record, deps.clock.nowMs()) };
  if (isOfData && (await deps.switches.advance(aborted, record.stage))) await unfenceOldSide(deps, aborted);
  throw fault;
}

/** Nothing but an abort lifts a fence, and none is possible any more: looked at once more before flat opens. */
async function requireFenced(deps: SwitchAuthorityDeps, record: SwitchRecord): Promise<void> {
  const items = await deps.authority.readAll(record.category);
  const closed = items.filter((item) => item.fenced || item.epoch >= record.epoch);
  if (items.length === groupCount && closed.length === groupCount) return;
  await deps.authority.fence(record.category, record.epoch - 1);
  await drainReverse(deps, record.category);
}

function underWay(record: SwitchRecord): HalError {
  return new HalError({
    name: 'SwitchUnderWay',
    message: `${record.category} is being switched to ${record.to} (stage ${record.stage})`,
    remedy: 'let it finish by repeating that switch, or abort it',
    exit: 'conflict',
    facts: { ...record },
  });
}

function tooFar(record: SwitchRecord): HalError {
  return new HalError({
    name: 'SwitchTooFar',
    message: `${record.category} is already being opened on the ${record.to} side`,
    remedy: 'let the switch finish by repeating it, then switch back',
    exit: 'conflict',
    facts: { ...record },
  });
}

function conflict(record: SwitchRecord, reason: string): HalError {
  return new HalError({
    name: 'AuthorityConflict',
    message: `the switch of ${record.category} to ${record.to} at epoch ${record.epoch} stopped: ${reason}`,
    remedy: 'look at `state status`, then repeat the switch if it is still wanted',
    exit: 'conflict',
    facts: { ...record },
  });
}
