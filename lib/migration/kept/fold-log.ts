import type { Category } from '../category.ts';
import type { MigrationDefinition } from '../definition.ts';
import { rowTerm } from '../digest-term.ts';
import { recordPk } from '../key.ts';
import type { ChangePage } from '../ports.ts';
import { tableOf } from '../table-lookup.ts';
import { keptCategory, keptTerm, moveTerm, setOpen, type KeptDigests, type OpenKey } from './kept-digests.ts';

/**
 * Folds one page of a category's change log into the source's sums. What flat said of a key before is known while the
 * key is open, or from the stream, which tells what the target held before it followed: until then the key is open
 * and in no sum.
 */
export function foldLog(
  definition: MigrationDefinition,
  digests: KeptDigests,
  category: Category,
  page: ChangePage,
): void {
  const kept = keptCategory(digests, category);
  if (kept === undefined) return;
  for (const { key, row, version } of page.images) {
    const pk = recordPk(key);
    const table = tableOf(definition, key.recordType);
    const term = row === null ? null : keptTerm(rowTerm(key, row, table, 'flat').hash);
    const open = digests.open.get(pk) ?? closedKey(digests, pk, category);
    if (open?.target === undefined) {
      digests.open.set(pk, { category, source: term, expected: version, target: undefined, seen: null });
      continue;
    }
    moveTerm(digests.source, pk, open.source, term);
    setOpen(digests, pk, { ...open, source: term, expected: version });
  }
  kept.logThrough = page.throughSequence;
}

/** A key that the stream has just shown and left closed: flat said until now what the target says. */
function closedKey(digests: KeptDigests, pk: string, category: Category): OpenKey | undefined {
  const shown = digests.shown.get(pk);
  if (shown === undefined) return undefined;
  return { category, source: shown.term, expected: null, target: shown.term, seen: shown.seen };
}
