import { HalError } from '../../lib/kernel/errors.ts';
import { nearestName } from '../../lib/kernel/nearest-name.ts';
import { categories, categoryAliases, type Category } from '../../lib/migration/category.ts';

/** Reads category names as operators write them; none given means all. Throws a HalError `UnknownCategory`. */
export function parseCategories(given: readonly string[]): readonly Category[] {
  return given.length === 0 ? categories : given.map(parseCategory);
}

function parseCategory(given: string): Category {
  const text = given.trim().toLowerCase();
  const found = categories.find((name) => name === text) ?? categoryAliases[text];
  if (found !== undefined) return found;
  const suggestion = nearestName(text, categories);
  throw new HalError({
    name: 'UnknownCategory',
    message: `There is no category "${given}".${suggestion === null ? '' : ` Did you mean "${suggestion}"?`}`,
    remedy: `Choose one of ${categories.join(', ')}.`,
    exit: 'usage',
    facts: { given, known: categories },
  });
}
