import type { Category } from '../category.ts';
import type { EditionStore } from './ports.ts';
import { readEdition, type ReadEdition } from './read-edition.ts';

/** Hot reload: a reader's own copy of the current edition, replaced as a whole. */
export interface EditionWatch {
  /** What the reader has now; never touches a store. */
  current(): ReadEdition | null;
  /** Looks at the pointer, and reads the edition only when there is a newer one. True when it was replaced. */
  refresh(): Promise<boolean>;
}

/** A refresh that throws leaves the edition that the reader has; the number never goes back. */
export function makeEditionWatch(
  editions: Pick<EditionStore, 'current' | 'records'>,
  category: Category,
): EditionWatch {
  let held: ReadEdition | null = null;
  return {
    current: () => held,
    async refresh() {
      const pointer = await editions.current(category);
      if (pointer === null || pointer.number <= (held?.edition.number ?? 0)) return false;
      const read = await readEdition(editions, category);
      if (read === null || read.edition.number <= (held?.edition.number ?? 0)) return false;
      held = read;
      return true;
    },
  };
}
