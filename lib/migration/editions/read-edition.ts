import { HalError } from '../../kernel/errors.ts';
import type { Category } from '../category.ts';
import { isWhole } from './edition-digest.ts';
import type { Edition, EditionRecord, EditionStore } from './ports.ts';

export interface ReadEdition {
  readonly edition: Edition;
  readonly records: readonly EditionRecord[];
}

/** The pointer moves on while records are read this often at most, unless somebody publishes without a pause. */
const mostReads = 5;

/**
 * The current edition, whole: all records of it and none of another. null before the first is published.
 * Throws HalError `EditionDamaged` rather than answer with less.
 */
export async function readEdition(
  editions: Pick<EditionStore, 'current' | 'records'>,
  category: Category,
): Promise<ReadEdition | null> {
  for (let read = 1; ; read += 1) {
    const edition = await editions.current(category);
    if (edition === null) return null;
    const records = await editions.records(edition);
    if (isWhole(edition, records)) return { edition, records };
    // An edition is removed some time after the next one became current: then there is a newer one to read.
    const isCurrent = (await editions.current(category))?.number === edition.number;
    if (isCurrent || read === mostReads) throw damaged(edition, records.length);
  }
}

function damaged({ category, number, count }: Edition, found: number): HalError {
  return new HalError({
    name: 'EditionDamaged',
    message: `Edition ${number} of ${category} is not what was published: ${found} of ${count} records, or others.`,
    remedy: 'Publish it again with `hal9-migrate config publish`; readers keep the edition that they have.',
    exit: 'gateFailed',
    facts: { category, number, count, found },
  });
}
