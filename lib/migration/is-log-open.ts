import type { Category } from './category.ts';
import type { FlatSource } from './ports.ts';

/**
 * Whether the log holds changes of the category in (after, through]. Categories may share one sequence, so that the
 * highest one says nothing about a category in which nothing changed.
 */
export async function isLogOpen(
  source: Pick<FlatSource, 'readChanges'>,
  category: Category,
  span: { readonly after: number; readonly through: number },
): Promise<boolean> {
  if (span.after >= span.through) return false;
  return (await source.readChanges(category, span.after, 1, span.through)).entryCount > 0;
}
