import { rmSync } from 'node:fs';
import { join } from 'node:path';

import { checkKey, type Violation, type ViolationKind } from './check-key.ts';
import { groupHistory, type HistoryCounts } from './group-history.ts';
import type { KeyHistory, Observed } from './history.ts';
import { partitionHistory } from './partition-history.ts';

export interface HistoryReport extends HistoryCounts {
  keys: number;
  /** Acknowledged writes that the final state neither has nor has anything newer than. */
  lostWrites: number;
  /** Reads that returned a state older than a write acknowledged before they were sent. */
  staleReads: number;
  /** Reads and final states that show a row again after its acknowledged delete. */
  resurrections: number;
  /** Reads of a value that nobody wrote. */
  unexplainedReads: number;
  /** The first violations, each with every operation on its key. */
  readonly evidence: readonly { readonly violation: Violation; readonly history: KeyHistory }[];
}

export interface CheckHistoryOptions {
  readonly historyPath: string;
  /** The state of a key (`recordType/id`) now that nobody writes any more; absent when only reads are judged. */
  readonly readFinal?: (key: string) => Promise<Observed>;
  /** How many final states are read at a time. */
  readonly concurrency?: number;
  /** A history larger than this is split by key, in bytes. */
  readonly partitionBytes?: number;
  readonly maxEvidence?: number;
}

/** Checks a recorded history; memory is bounded by one partition of it. */
export async function checkHistory(options: CheckHistoryOptions): Promise<HistoryReport> {
  const workDir = join(`${options.historyPath}.parts`);
  const report: MutableReport = { ...emptyReport, evidence: [] };
  try {
    const partitions = await partitionHistory(
      options.historyPath,
      workDir,
      options.partitionBytes ?? 24_000_000,
    );
    for (const partition of partitions) {
      const histories = await groupHistory(partition, report);
      await checkAll(histories, options, report);
    }
  } finally {
    rmSync(workDir, { recursive: true, force: true });
  }
  return report;
}

/** True when the history shows no violation of any kind. */
export function isClean(report: HistoryReport): boolean {
  return report.lostWrites + report.staleReads + report.resurrections + report.unexplainedReads === 0;
}

type MutableReport = Omit<HistoryReport, 'evidence'> & {
  evidence: { violation: Violation; history: KeyHistory }[];
};

const emptyReport = {
  keys: 0,
  reads: 0,
  acknowledgedWrites: 0,
  unknownWrites: 0,
  refusedWrites: 0,
  lostWrites: 0,
  staleReads: 0,
  resurrections: 0,
  unexplainedReads: 0,
} as const;

const counterOf = {
  'lost-write': 'lostWrites',
  'stale-read': 'staleReads',
  resurrection: 'resurrections',
  'unexplained-read': 'unexplainedReads',
} as const satisfies Record<ViolationKind, keyof HistoryReport>;

async function checkAll(
  histories: readonly KeyHistory[],
  options: CheckHistoryOptions,
  report: MutableReport,
): Promise<void> {
  const queue = histories.values();
  const worker = async (): Promise<void> => {
    for (const history of queue) {
      const final = options.readFinal && { value: await options.readFinal(history.key) };
      addVerdict(history, checkKey(history, final), options.maxEvidence ?? 20, report);
    }
  };
  await Promise.all(Array.from({ length: options.concurrency ?? 16 }, worker));
}

function addVerdict(
  history: KeyHistory,
  violations: readonly Violation[],
  maxEvidence: number,
  report: MutableReport,
): void {
  report.keys += 1;
  for (const violation of violations) {
    report[counterOf[violation.kind]] += 1;
    if (report.evidence.length < maxEvidence) report.evidence.push({ violation, history });
  }
}
