import { textOf } from '../aws/attributes.ts';
import { readPartition } from '../aws/read-partition.ts';
import { HalError } from '../kernel/errors.ts';
import type { Category } from '../migration/category.ts';
import type { FlatStore } from './flat-store.ts';
import { unsettledKey } from './log-items.ts';

/**
 * Throws HalError `ReverseConflict` while flat has something else of a key than the other side says: a row that its
 * table has no room for, or what somebody wrote past the gateway.
 */
export async function requireSettled(store: FlatStore, category: Category): Promise<void> {
  const { client, log: table, sleeper } = store;
  const { pk } = unsettledKey(category, { recordType: '', id: '' });
  const items = await readPartition({ client, table, sleeper }, pk);
  const [example] = items;
  if (example === undefined) return;
  const strays = items.filter((item) => textOf(item, 'kind') === 'stray').length;
  throw new HalError({
    name: 'ReverseConflict',
    message:
      `${items.length} records of ${category} are not in ${store.place} as the hierarchical side has them: ` +
      `${strays} were written past the gateway, the others do not fit their table (for example ${textOf(example, 'sk')}).`,
    remedy: 'Change or delete such a record on the hierarchical side, then switch again.',
    exit: 'conflict',
    facts: { place: store.place, category, count: items.length, strays },
  });
}
