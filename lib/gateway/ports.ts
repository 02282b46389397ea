import type { Category } from '../migration/category.ts';
import type { FlatAuthority } from '../migration/ports.ts';
import type { RecordVersion, StoredRecord, TargetRecord } from '../migration/record.ts';
import type { FlatRow, RecordKey } from '../migration/row.ts';

/** The flat store as the gateway uses it. Each method is one transaction. Adapter: `lib/sqlite/flat-records.ts`. */
export interface FlatRecords {
  /** The row and, from the same snapshot, who may write the category. */
  read(category: Category, key: RecordKey): Promise<{ row: FlatRow | null; authority: FlatAuthority }>;
  /** Writes (null deletes) only while flat is open at `epoch`; the change log records it in the same transaction. */
  write(
    category: Category,
    key: RecordKey,
    row: FlatRow | null,
    epoch: number,
  ): Promise<{ kind: 'written' } | { kind: 'refused'; authority: FlatAuthority }>;
}

/** The hierarchical store as the gateway uses it. Adapter: `lib/aws/hierarchical-records.ts`. */
export interface HierarchicalRecords {
  /** Strongly consistent; tombstones and quarantine markers are returned as such. */
  read(key: RecordKey): Promise<StoredRecord | null>;
  /**
   * One transaction: the authority item is hierarchical, not fenced and of the record's epoch; the stored version
   * is still `expected` (null: absent); the record and its reverse-pending entry are put.
   */
  write(
    record: TargetRecord,
    guard: { group: number; expected: RecordVersion | null },
  ): Promise<'written' | 'authority-moved' | 'version-moved' | 'contended'>;
}
