import type { Clock, Sleeper } from '../kernel/clock.ts';
import { makeBudgetGate } from './budget-gate.ts';
import { makeAdaptivePace, makePace, type Throttling } from './pace.ts';
import type { RangeCounts, TargetStore } from './ports.ts';
import { recordToItem } from './record-item.ts';
import type { TargetRecord } from './record.ts';
import { defaultSettings, type MigrationSettings, type SettingsStore } from './settings.ts';
import { maxItemBodyBytes } from './large-bodies.ts';
import { largestSlice, writeUnits, type BudgetLine } from './write-budget.ts';
import type { SlotReport, WorkerSlots } from './worker-report.ts';

export interface WorkerThrottleDeps {
  readonly settings: SettingsStore;
  readonly line: BudgetLine;
  readonly slots: WorkerSlots;
  readonly clock: Clock;
  readonly sleeper: Sleeper;
}

/** Holds one worker to the limits of the moment and tells what held it back. */
export interface WorkerThrottle {
  /** Reads the limits anew; called with every page or message. */
  refresh(): Promise<MigrationSettings>;
  /**
   * Writes in portions, each when it may begin. Live changes keep to the budget and to what the store takes, not to the
   * rate limit of the copy: they come as fast as users make them.
   */
  gated(target: TargetStore, work: 'copy' | 'live'): TargetStore;
  /** Told by the adapter that the store refused for lack of throughput. */
  throttled(throttling: Omit<Throttling, 'atMs'>): void;
  /** Waits until what the store refused may be tried again. */
  admitAgain(units: number): Promise<void>;
  /** Takes a slot; false when as many workers are at work as may be, or the copy is stopped. */
  enter(owner: string): Promise<boolean>;
  /** Tells of a finished page. */
  reportPage(counts: Pick<RangeCounts, 'read'>): Promise<void>;
  leave(): Promise<void>;
  /** What the last reading of the limits said. */
  isStopped(): boolean;
}

const slotLeaseMs = 30_000;
const mostSlots = 1_000;

export function makeWorkerThrottle(deps: WorkerThrottleDeps): WorkerThrottle {
  const { clock, sleeper, slots } = deps;
  const gate = makeBudgetGate(deps);
  const recordPace = makePace();
  const unitPace = makePace();
  const adaptive = makeAdaptivePace();
  const waited = { 'rate-limit': 0, budget: 0, throttling: 0 };
  let settings = defaultSettings;
  let place: { slot: number; owner: string } | null = null;
  let page = { startedAtMs: 0, units: 0 };
  let throttlings = 0;
  let lastThrottling: Throttling | null = null;

  async function pause(cause: keyof typeof waited, durationMs: number): Promise<void> {
    if (durationMs <= 0) return;
    waited[cause] += durationMs;
    await sleeper.sleep(durationMs);
  }

  async function admit(limitedRecords: number, units: number): Promise<void> {
    await pause('rate-limit', recordPace.delayMs(limitedRecords, settings.rateLimitPerWorker, clock.nowMs()));
    await pause('throttling', unitPace.delayMs(units, adaptive.rate(clock.nowMs()), clock.nowMs()));
    // Last, since a slice of the budget does not keep.
    waited.budget += await gate.admit(units, settings.writeUnitsPerSecond);
    adaptive.used(units, clock.nowMs());
    page.units += units;
  }

  async function inPortions<Outcome>(
    work: 'copy' | 'live',
    records: readonly TargetRecord[],
    write: (portion: readonly TargetRecord[]) => Promise<readonly Outcome[]>,
  ): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = [];
    for (const { portion, units } of portionsOf(records, settings)) {
      await admit(work === 'copy' ? portion.length : 0, units);
      outcomes.push(...(await write(portion)));
    }
    return outcomes;
  }

  function takeReport(read: number): SlotReport {
    const atMs = clock.nowMs();
    const seconds = Math.max(0.001, (atMs - page.startedAtMs) / 1_000);
    const causes = Object.entries(waited) as [keyof typeof waited, number][];
    const [cause, longest] = causes.toSorted((left, right) => right[1] - left[1])[0] ?? ['budget', 0];
    const report = {
      atMs,
      recordsPerSecond: Math.round(read / seconds),
      writeUnitsPerSecond: Math.round(page.units / seconds),
      writeUnits: page.units,
      heldBackBy: longest > 0 ? cause : null,
      throttlings,
      lastThrottling,
    };
    page = { startedAtMs: atMs, units: 0 };
    for (const [name] of causes) waited[name] = 0;
    return report;
  }

  return {
    async refresh() {
      settings = await deps.settings.read();
      return settings;
    },
    gated: (target, work) => ({
      ...target,
      insertIfAbsent: (records) => inPortions(work, records, (portion) => target.insertIfAbsent(portion)),
      applyVersioned: (records) => inPortions(work, records, (portion) => target.applyVersioned(portion)),
      repair: (records) => inPortions(work, records, (portion) => target.repair(portion)),
    }),
    throttled(throttling) {
      throttlings += 1;
      lastThrottling = { ...throttling, atMs: clock.nowMs() };
      adaptive.throttled(clock.nowMs());
    },
    admitAgain: (units) => admit(0, units),
    async enter(owner) {
      await this.refresh();
      if (settings.copy.stopped) return false;
      const slot = await slots.take(owner, settings.parallelWorkers ?? mostSlots, clock.nowMs(), slotLeaseMs);
      if (slot === null) return false;
      place = { slot, owner };
      page = { startedAtMs: clock.nowMs(), units: 0 };
      return true;
    },
    async reportPage({ read }) {
      const report = takeReport(read);
      if (place !== null) await slots.report(place.slot, place.owner, report, slotLeaseMs);
      await this.refresh();
    },
    async leave() {
      if (place !== null) await slots.leave(place.slot, place.owner);
      place = null;
    },
    isStopped: () => settings.copy.stopped,
  };
}

interface Portion {
  readonly portion: readonly TargetRecord[];
  readonly units: number;
}

/** As many records at once as the limits let begin in one moment; one record at least. */
function portionsOf(records: readonly TargetRecord[], settings: MigrationSettings): readonly Portion[] {
  const mostUnits = largestSlice(settings.writeUnitsPerSecond ?? Number.MAX_SAFE_INTEGER);
  const mostRecords = settings.rateLimitPerWorker ?? Number.MAX_SAFE_INTEGER;
  const portions: { portion: TargetRecord[]; units: number }[] = [];
  for (const record of records) {
    const units = unitsOf(record);
    const last = portions.at(-1);
    if (last !== undefined && last.units + units <= mostUnits && last.portion.length < mostRecords) {
      last.portion.push(record);
      last.units += units;
    } else portions.push({ portion: [record], units });
  }
  return portions;
}

/** Numbers take at most 21 bytes; what a write finds there already is no larger than it by more than its version. */
const numberBytes = 21;

export function unitsOf(record: TargetRecord): number {
  const { body } = record;
  // The item only names a body that it cannot hold.
  if (body !== null && Buffer.byteLength(body) > maxItemBodyBytes) return unitsOf({ ...record, body: null });
  return writeUnits(recordBytes(record));
}

/** Size of the item as DynamoDB measures it: names and values. */
export function recordBytes(record: TargetRecord): number {
  let bytes = 0;
  for (const [name, value] of Object.entries(recordToItem(record))) {
    bytes += name.length + (typeof value === 'number' ? numberBytes : Buffer.byteLength(String(value)));
  }
  return bytes;
}
