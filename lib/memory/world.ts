import type { Category } from '../migration/category.ts';
import type {
  AuthorityItem,
  FinishedRanges,
  QuarantineEntry,
  RangeState,
  RelayBatch,
  ReversePendingEntry,
  SwitchRecord,
} from '../migration/ports.ts';
import type { TargetRecord } from '../migration/record.ts';

/** The tables of the hierarchical side in one place, since some writes span several of them. */
export interface MemoryWorld {
  /** State table by partition key. Write through `putRecord`. */
  readonly records: Map<string, TargetRecord>;
  /** By `category/group`. */
  readonly authority: Map<string, AuthorityItem>;
  /** By partition key of the record. */
  readonly reversePending: Map<string, ReversePendingEntry>;
  readonly ranges: Map<string, RangeState>;
  /** Range counts of closed plans by `runId/recordType`. */
  readonly plans: Map<string, number>;
  /** By `runId/recordType`. */
  readonly finishedPlans: Map<string, FinishedRanges>;
  currentRun: string | null;
  readonly relayCursors: Map<Category, number>;
  readonly relayBatches: Map<Category, RelayBatch[]>;
  /** By partition key of the record. */
  readonly quarantine: Map<string, QuarantineEntry>;
  readonly switches: Map<Category, SwitchRecord>;
  readonly digests: Map<string, Uint8Array>;
  /** The change stream of the state table. */
  onRecordPut: (pk: string, record: TargetRecord, before?: TargetRecord) => void;
}

export function makeMemoryWorld(): MemoryWorld {
  return {
    records: new Map(),
    authority: new Map(),
    reversePending: new Map(),
    ranges: new Map(),
    plans: new Map(),
    finishedPlans: new Map(),
    currentRun: null,
    relayCursors: new Map(),
    relayBatches: new Map(),
    quarantine: new Map(),
    switches: new Map(),
    digests: new Map(),
    onRecordPut: () => undefined,
  };
}

/** The one way into the state table, so that its stream misses nothing. */
export function putRecord(world: MemoryWorld, pk: string, record: TargetRecord): void {
  const before = world.records.get(pk);
  world.records.set(pk, record);
  world.onRecordPut(pk, record, before);
}
