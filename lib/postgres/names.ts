import { createHash } from 'node:crypto';

import type { Category } from '../migration/category.ts';

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function quoteText(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return quoted.includes('\\') ? ` E${quoted.replaceAll('\\', '\\\\')}` : quoted;
}

/** A name of our schema object or of a table, with its schema. */
export function qualified(schema: string, name: string): string {
  return `${quoteName(schema)}.${quoteName(name)}`;
}

/** Keys of the advisory locks of one category in one schema, as the two-number form of PostgreSQL takes them. */
export interface LockKeys {
  /** Shared by every writer of the category, exclusive for whoever moves its authority. */
  readonly authority: number;
  /** Held by every writer, with the last sequence before its own as second number. */
  readonly writing: number;
  /** For counted records that do not exist yet; the second number is one of 64 stripes of their keys. */
  readonly counting: number;
  /** Name of the transaction's own note that it holds the two locks above. */
  readonly note: string;
}

export function lockKeys(schema: string, category: Category): LockKeys {
  const hashed = (purpose: string): Buffer =>
    createHash('sha256').update(`hal9-migrate/${schema}/${category}/${purpose}`).digest();
  return {
    authority: hashed('authority').readInt32BE(),
    writing: hashed('writing').readInt32BE(),
    counting: hashed('counting').readInt32BE(),
    note: `hal9_migrate.c${hashed('note').toString('hex').slice(0, 12)}`,
  };
}
