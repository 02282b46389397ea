import type { Category } from './category.ts';
import { recordPk } from './key.ts';
import type { QuarantineStore, TargetStore } from './ports.ts';

/**
 * Removes one page of entries whose key holds something else by now: a hierarchical write replaces a marker without
 * knowing of its entry. Returns the cursor of the next page.
 */
export async function resolveOutdated(
  { quarantine, target }: { readonly quarantine: QuarantineStore; readonly target: TargetStore },
  category: Category,
  cursor: string | null,
): Promise<string | null> {
  const page = await quarantine.list(category, cursor, 100);
  const stored = await target.read(page.entries.map(({ key }) => key));
  for (const { key } of page.entries) {
    const record = stored.get(recordPk(key));
    if (record === undefined || record.state === 'quarantined') continue;
    // An entry that is newer than the record is one whose marker is on its way.
    await quarantine.resolve(key, category, record.version);
  }
  return page.cursor;
}
