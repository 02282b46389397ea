import type { Category } from '../category.ts';

/** One record as an edition holds it. */
export interface EditionRecord {
  /** `recordType/key`. */
  readonly pk: string;
  /** Canonical JSON text of the hierarchical record. */
  readonly body: string;
}

/** All records of a category at one cut, visible all together or not at all. */
export interface Edition {
  readonly category: Category;
  /** From 1, without a gap. */
  readonly number: number;
  readonly count: number;
  /** sha256 over all records in the order of their keys. */
  readonly digest: string;
  readonly publishedAtMs: number;
  readonly by: string;
  /** The editions before it whose records are kept for readers that are late, oldest first. */
  readonly earlier: readonly Pick<Edition, 'number' | 'digest'>[];
}

/** Where the records of an edition are: those of another content are elsewhere, even under the same number. */
export type EditionPlace = Pick<Edition, 'category' | 'number' | 'digest'>;

/**
 * Editions and the one pointer per category that says which of them is current. Adapters: `lib/aws/edition-store.ts`,
 * `lib/memory/edition-store.ts`; contract: `test/contract/edition-store.ts`.
 */
export interface EditionStore {
  /** Strongly consistent; null before the first. */
  current(category: Category): Promise<Edition | null>;
  /** Stores records where nobody looks yet. Repeating it, or another edition beside it, is harmless. */
  write(place: EditionPlace, records: readonly EditionRecord[]): Promise<void>;
  /** Whatever there is of it, in the order of the keys; strongly consistent. */
  records(place: EditionPlace): Promise<readonly EditionRecord[]>;
  /** Makes it current where the one before it is: one conditional write. False when another became current meanwhile. */
  publish(edition: Edition): Promise<boolean>;
  /** Removes records of an edition that is not current any more. */
  remove(place: EditionPlace): Promise<void>;
}
