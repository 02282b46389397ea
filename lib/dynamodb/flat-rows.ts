import { readItemsAt } from '../aws/read-items.ts';
import { decodeKey, recordPk } from '../migration/key.ts';
import type { FlatRow, RecordKey } from '../migration/row.ts';
import { itemKey, keyOfParts, keyPartsOf, rowOfItem } from './attribute-values.ts';
import type { FlatStore } from './flat-store.ts';
import type { TableLayout } from './table-layout.ts';

/** Rows as they are, strongly consistent, keyed by `recordType/id`; a key without one is left out. */
export async function readRows(
  store: FlatStore,
  keys: readonly RecordKey[],
): Promise<ReadonlyMap<string, FlatRow>> {
  const rows = new Map<string, FlatRow>();
  for (const [recordType, ofType] of Map.groupBy(distinct(keys), (key) => key.recordType)) {
    const layout = await store.layout(recordType);
    if (layout === null) continue;
    const present = ofType.filter(({ id }) => fitsKey(layout, id));
    const keysOfItems = present.map(({ id }) => itemKey(layout, decodeKey(id)));
    const { client, sleeper } = store;
    for (const item of await readItemsAt({ client, table: layout.name, sleeper }, keysOfItems)) {
      const key = keyOfParts(layout, keyPartsOf(layout, item));
      rows.set(recordPk(key), rowOfItem(layout, item));
    }
  }
  return rows;
}

/** Whether the table could hold that key at all: an empty text or another type is no key of it. */
export function fitsKey({ key }: TableLayout, id: string): boolean {
  const parts = decodeKey(id);
  if (parts.length !== key.length) return false;
  return key.every(({ type }, at) => {
    const part = parts[at];
    return type === 'N' ? typeof part === 'bigint' : typeof part === 'string' && part !== '';
  });
}

function distinct(keys: readonly RecordKey[]): readonly RecordKey[] {
  return [...new Map(keys.map((key) => [recordPk(key), key])).values()];
}
