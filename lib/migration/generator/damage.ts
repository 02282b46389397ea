import type { FlatRow } from '../row.ts';
import type { RowCounts } from './row-counts.ts';

type RecordType = keyof RowCounts;

/** What real stores hold and no transform can carry. */
interface Damage {
  readonly recordType: RecordType;
  readonly damage: (row: FlatRow) => FlatRow;
}

const damages: readonly Damage[] = [
  {
    recordType: 'learning',
    damage: (row) => ({ ...row, payload: String(row['payload']).slice(0, 200) }),
  },
  { recordType: 'neuron', damage: (row) => ({ ...row, weights: '[0.125,"n/a"]' }) },
  { recordType: 'session', damage: (row) => ({ ...row, expires_at: 'never' }) },
  // A byte that is no UTF-8, as the sources carry it.
  { recordType: 'metadata', damage: (row) => ({ ...row, actor: 'caf\udce9' }) },
  { recordType: 'signal', damage: (row) => ({ ...row, content: new Uint8Array([0xde, 0xad]) }) },
];

/** Not damaged, and larger than an item or a message may be. */
const large: Damage = {
  recordType: 'learning',
  damage: (row) => ({ ...row, payload: JSON.stringify('x'.repeat(450_000)) }),
};

/** Stores below this are small enough to be looked at row by row, without a row of half a megabyte. */
const minRecordsForLarge = 5_000;

export interface DamagePlan {
  /** Rows that no transform can convert. */
  readonly damaged: number;
  /** Rows that become something else, by record type and index. */
  readonly rows: ReadonlyMap<RecordType, ReadonlyMap<number, (row: FlatRow) => FlatRow>>;
}

/** One row in two thousand, at least three, spread over the tables; in larger stores one of them is large instead. */
export function planDamage(counts: RowCounts): DamagePlan {
  const records = (Object.values(counts) as readonly number[]).reduce((sum, count) => sum + count, 0);
  const wanted = Math.min(Math.max(3, Math.round(records * 0.0005)), records >> 2);
  const hasLarge = records >= minRecordsForLarge;
  const byType = new Map<RecordType, Damage[]>();
  for (let at = 0; at < wanted; at += 1) {
    const chosen = (hasLarge && at === wanted - 1 ? large : damages[at % damages.length]) ?? large;
    byType.set(chosen.recordType, [...(byType.get(chosen.recordType) ?? []), chosen]);
  }
  const rows = new Map([...byType].map(([type, list]) => [type, spread(list, counts[type])] as const));
  return { damaged: hasLarge ? wanted - 1 : wanted, rows };
}

function spread(list: readonly Damage[], count: number): ReadonlyMap<number, (row: FlatRow) => FlatRow> {
  return new Map(
    list.map(({ damage }, at) => [Math.floor(((at + 0.5) * count) / list.length), damage] as const),
  );
}
