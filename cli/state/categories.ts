import { HalError } from '../../lib/kernel/errors.ts';
import { nearestName } from '../../lib/kernel/nearest-name.ts';
import type { Category } from '../../lib/migration/category.ts';
import type { MigrationDefinition } from '../../lib/migration/definition.ts';
import { categoriesOf } from '../../lib/migration/table-lookup.ts';

/** Reads category names as operators write them; none given means all. Throws a HalError `UnknownCategory`. */
export function parseCategories(
  given: readonly string[],
  definition: MigrationDefinition,
): readonly Category[] {
  const categories = categoriesOf(definition);
  if (given.length === 0) return categories;
  return given.map((name) => parseCategory(name, categories, definition.categoryAliases ?? {}));
}

function parseCategory(
  given: string,
  categories: readonly Category[],
  aliases: Readonly<Record<string, Category>>,
): Category {
  const text = given.trim().toLowerCase();
  const found = categories.find((name) => name === text) ?? aliases[text];
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
