import type { Clock, Sleeper } from '../kernel/clock.ts';
import { HalError } from '../kernel/errors.ts';
import { groupCount } from './bucket.ts';
import type { Category } from './category.ts';
import type { FlatSource, ReversePendingEntry, ReversePendingStore } from './ports.ts';
import { sealRecord } from './record-hash.ts';
import type { StoredRecord, TargetRecord } from './record.ts';
import type { RecordKey } from './row.ts';

/** No definition has a record type of this name: `~` is refused there. */
const canaryType = '~canary';

/** Beside the groups of real records, so that no drain and no count ever meets a canary. */
const canaryGroup = groupCount;

export function isCanary(key: RecordKey): boolean {
  return key.recordType === canaryType;
}

/** Where canaries are put and looked for. Adapters: `lib/aws/reverse-canaries.ts`, `lib/memory/reverse-canaries.ts`. */
export interface ReverseCanaries {
  /** Record and reverse-pending entry in one transaction, as the gateway writes under hierarchical authority. */
  plant(record: TargetRecord, entry: ReversePendingEntry): Promise<void>;
  /** True once the reverse path has removed the entry. */
  isBack(entry: ReversePendingEntry): Promise<boolean>;
  /** Removes both, whatever became of them. */
  clear(entry: ReversePendingEntry): Promise<void>;
}

export interface ProveReverseDeps {
  readonly canaries: ReverseCanaries;
  readonly clock: Clock;
  readonly sleeper: Sleeper;
}

const pollMs = 100;
const longestTripMs = 20_000;
const keptForS = 3_600;

/**
 * Sends one record along the whole reverse path: state table, stream, function, a write transaction in flat, and back.
 * Returns how long that took; throws HalError `ReversePathUnproven` when it does not come back.
 */
export async function proveReversePath(deps: ProveReverseDeps, category: Category): Promise<number> {
  const plantedAtMs = deps.clock.nowMs();
  const record = canaryOf(category, plantedAtMs);
  const { key, version } = record;
  const entry = { key, category, group: canaryGroup, version };
  await deps.canaries.plant(record, entry);
  try {
    for (;;) {
      const tookMs = deps.clock.nowMs() - plantedAtMs;
      if (await deps.canaries.isBack(entry)) return tookMs;
      if (tookMs >= longestTripMs) throw unproven(category, tookMs);
      await deps.sleeper.sleep(pollMs);
    }
  } finally {
    await deps.canaries.clear(entry);
  }
}

/** The reverse path's part: an empty change goes through the same transaction in flat as a real one. */
export async function carryCanary(
  deps: { readonly source: FlatSource; readonly reversePending: ReversePendingStore },
  { key, category, version }: StoredRecord,
): Promise<void> {
  await deps.source.applyReverse(category, []);
  await deps.reversePending.remove({ key, category, group: canaryGroup, version });
}

function canaryOf(category: Category, nowMs: number): TargetRecord {
  return sealRecord({
    key: { recordType: canaryType, id: category },
    category,
    // Above every canary before it, so that the removal of an older one leaves this one's entry alone.
    version: { epoch: 1, sequence: nowMs },
    state: 'live',
    origin: 'hierarchical',
    body: '{}',
    expiresAtS: Math.floor(nowMs / 1_000) + keptForS,
  });
}

function unproven(category: Category, waitedMs: number): HalError {
  return new HalError({
    name: 'ReversePathUnproven',
    message: `${category} cannot change authority: a canary record did not come back through the reverse path within ${waitedMs} ms`,
    remedy: 'look at the function reverse-changes and the stream of the state table, then switch again',
    exit: 'gateFailed',
    facts: { category, waitedMs },
  });
}
