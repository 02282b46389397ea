import type { Throttling } from './pace.ts';

/** What one worker says of itself with every page. */
export interface WorkerReport {
  /** Number of its slot, from 0. */
  readonly slot: number;
  readonly owner: string;
  readonly atMs: number;
  /** Records of the last page for each second that it took, waits included. */
  readonly recordsPerSecond: number;
  readonly writeUnitsPerSecond: number;
  /** Of the last page. */
  readonly writeUnits: number;
  /** What it waited for longest during the last page; null when it did not wait. */
  readonly heldBackBy: 'rate-limit' | 'budget' | 'throttling' | null;
  readonly throttlings: number;
  readonly lastThrottling: Throttling | null;
  /** Of every page that was ever written in this slot. */
  readonly totalWriteUnits: number;
}

export type SlotReport = Omit<WorkerReport, 'slot' | 'owner' | 'totalWriteUnits'>;

/** As many workers copy at once as there are slots. Adapters: `lib/aws/worker-slots.ts`, `lib/memory/worker-slots.ts`. */
export interface WorkerSlots {
  /** Takes a slot below `slotCount` that is free or whose lease has ended; null when there is none. */
  take(owner: string, slotCount: number, nowMs: number, leaseMs: number): Promise<number | null>;
  /** Renews the lease; false when somebody else has the slot. */
  report(slot: number, owner: string, report: SlotReport, leaseMs: number): Promise<boolean>;
  /** Gives the slot back; its last report stays. */
  leave(slot: number, owner: string): Promise<void>;
  /** Last reports, by slot. */
  list(): Promise<readonly WorkerReport[]>;
}

export interface WorkersSummary {
  readonly active: readonly WorkerReport[];
  readonly recordsPerSecond: number;
  readonly writeUnitsPerSecond: number;
  /** Who was refused by which table and why, newest first. */
  readonly throttlings: readonly (Throttling & { readonly slot: number })[];
  /** Of the whole copy so far. */
  readonly totalWriteUnits: number;
  /** When a worker last said something. */
  readonly lastReportMs: number | null;
}

/** A worker that said nothing for so long is at work no more. */
const silentAfterMs = 10_000;
const throttlingShownMs = 60_000;

export function summarizeWorkers(reports: readonly WorkerReport[], nowMs: number): WorkersSummary {
  const active = reports.filter(({ atMs }) => nowMs - atMs <= silentAfterMs);
  const throttlings = reports
    .flatMap(({ slot, lastThrottling }) => (lastThrottling === null ? [] : [{ slot, ...lastThrottling }]))
    .filter(({ atMs }) => nowMs - atMs <= throttlingShownMs)
    .toSorted((left, right) => right.atMs - left.atMs);
  return {
    active,
    recordsPerSecond: sum(active.map((report) => report.recordsPerSecond)),
    writeUnitsPerSecond: sum(active.map((report) => report.writeUnitsPerSecond)),
    throttlings,
    totalWriteUnits: sum(reports.map((report) => report.totalWriteUnits)),
    lastReportMs: reports.length === 0 ? null : Math.max(...reports.map(({ atMs }) => atMs)),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, value) => total + value, 0);
}
