import type { Clock } from '../kernel/clock.ts';
import { holdsRange } from '../migration/admission.ts';
import type { RangeCounts, RangeState, RangeStore } from '../migration/ports.ts';
import { observation, transaction, uninterrupted, type Interleave } from './interleave.ts';
import type { MemoryWorld } from './world.ts';

const listPageSize = 100;

export function makeMemoryRangeStore(
  world: MemoryWorld,
  clock: Clock,
  interleave: Interleave = uninterrupted,
): RangeStore {
  const run = <Result>(name: string, effect: () => Result): Promise<Result> =>
    transaction(interleave, `ranges.${name}`, effect);
  const read = <Result>(name: string, effect: () => Result): Promise<Result> =>
    observation(interleave, `ranges.${name}`, effect);
  /** Changes a range while `fence` still holds it; false otherwise. */
  const changeHeld = (rangeId: string, fence: number, change: (range: RangeState) => RangeState): boolean => {
    const range = world.ranges.get(rangeId);
    if (range === undefined || !holdsRange(range, fence)) return false;
    world.ranges.set(rangeId, change(range));
    return true;
  };
  return {
    startRun: (runId) =>
      run('startRun', () => {
        world.currentRun = runId;
      }),
    currentRun: () => read('currentRun', () => world.currentRun),
    plan: (tasks) =>
      run('plan', () => {
        for (const task of tasks) {
          if (world.ranges.has(task.rangeId)) continue;
          const { after } = task.range;
          const unread = { state: 'planned' as const, fence: 0, after, counts: noCounts, leaseUntilMs: 0 };
          world.ranges.set(task.rangeId, { ...task, ...unread });
        }
      }),
    closePlan: (runId, recordType, rangeCount) =>
      run('closePlan', () => {
        world.plans.set(`${runId}/${recordType}`, rangeCount);
        world.finishedPlans.delete(`${runId}/${recordType}`);
      }),
    rememberFinished: (runId, recordType, totals) =>
      run('rememberFinished', () => {
        if (world.plans.get(`${runId}/${recordType}`) !== totals.plannedRanges) return;
        world.finishedPlans.set(`${runId}/${recordType}`, totals);
      }),
    finishedRanges: (runId, recordType) =>
      read('finishedRanges', () => world.finishedPlans.get(`${runId}/${recordType}`) ?? null),
    plannedRangeCount: (runId, recordType) =>
      read('plannedRangeCount', () => world.plans.get(`${runId}/${recordType}`) ?? null),
    acquire: (rangeId, _owner, leaseMs) =>
      run('acquire', () => {
        const range = world.ranges.get(rangeId);
        if (range === undefined) return { kind: 'unknown' as const };
        if (range.state === 'complete') return { kind: 'complete' as const };
        const nowMs = clock.nowMs();
        if (range.state === 'leased' && range.leaseUntilMs > nowMs) return { kind: 'held' as const };
        const leased: RangeState = {
          ...range,
          state: 'leased',
          fence: range.fence + 1,
          leaseUntilMs: nowMs + leaseMs,
        };
        world.ranges.set(rangeId, leased);
        return { kind: 'acquired' as const, range: leased };
      }),
    checkpoint: (rangeId, fence, after, counts, leaseMs) =>
      run('checkpoint', () =>
        changeHeld(rangeId, fence, (range) => ({
          ...range,
          after,
          counts: addCounts(range.counts, counts),
          leaseUntilMs: clock.nowMs() + leaseMs,
        })),
      ),
    complete: (rangeId, fence, counts) =>
      run('complete', () =>
        changeHeld(rangeId, fence, (range) => ({
          ...range,
          state: 'complete',
          counts: addCounts(range.counts, counts),
        })),
      ),
    release: (rangeId, fence) =>
      run('release', () => {
        changeHeld(rangeId, fence, (range) => ({ ...range, state: 'planned', leaseUntilMs: 0 }));
      }),
    list: (runId, recordType, cursor) =>
      read('list', () => {
        const found = [...world.ranges.values()]
          .filter((range) => range.runId === runId && range.recordType === recordType)
          .filter((range) => cursor === null || range.rangeId > cursor)
          .toSorted((left, right) => (left.rangeId < right.rangeId ? -1 : 1));
        const ranges = found.slice(0, listPageSize);
        return {
          ranges,
          cursor: found.length > listPageSize ? (ranges.at(-1)?.rangeId ?? null) : null,
        };
      }),
  };
}

const noCounts: RangeCounts = { read: 0, written: 0, kept: 0, quarantined: 0 };

function addCounts(left: RangeCounts, right: RangeCounts): RangeCounts {
  return {
    read: left.read + right.read,
    written: left.written + right.written,
    kept: left.kept + right.kept,
    quarantined: left.quarantined + right.quarantined,
  };
}
