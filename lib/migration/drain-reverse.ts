import { HalError } from '../kernel/errors.ts';
import { mapBounded } from '../kernel/map-bounded.ts';
import { groupCount } from './bucket.ts';
import type { Category } from './category.ts';
import { recordPk } from './key.ts';
import type { ReversePendingEntry } from './ports.ts';
import type { StoredRecord } from './record.ts';
import { sourceOffline } from './source-offline.ts';
import { applyToFlat, type ReverseChangesDeps } from './reverse-changes.ts';

const entriesPerStep = 100;
const groups = Array.from({ length: groupCount }, (_, group) => group);
/** Writers wait while 64 groups are looked at; a store of few connections is not asked for more than these. */
const groupsAtOnce = 8;

/**
 * Carries every pending hierarchical write of a fenced category to flat. False when flat refuses the epoch, which
 * means that another executor has moved on. Throws HalError `SourceOffline` where nothing can be carried.
 */
export async function drainReverse(deps: ReverseChangesDeps, category: Category): Promise<boolean> {
  if (deps.source.isOffline === true)
    throw sourceOffline(`${category} cannot be brought up to date in flat`, { category });
  const drained = await mapBounded(groups, groupsAtOnce, (group) => drainGroup(deps, category, group));
  return drained.every((isDrained) => isDrained);
}

async function drainGroup(deps: ReverseChangesDeps, category: Category, group: number): Promise<boolean> {
  for (;;) {
    const entries = await deps.reversePending.list(category, group, entriesPerStep);
    if (entries.length === 0) return true;
    const records = await readRecords(deps, entries);
    if ((await applyToFlat(deps, category, records)).length > 0) return false;
  }
}

async function readRecords(
  deps: ReverseChangesDeps,
  entries: readonly ReversePendingEntry[],
): Promise<readonly StoredRecord[]> {
  const stored = await deps.target.read(entries.map(({ key }) => key));
  return entries.map(({ key, version }) => {
    const record = stored.get(recordPk(key));
    if (record !== undefined) return record;
    throw new HalError({
      name: 'RecordMissing',
      message: `a write of ${recordPk(key)} has not reached the flat store, and its record is gone`,
      remedy: 'restore the record from a backup, then switch again',
      facts: { key, version },
    });
  });
}
