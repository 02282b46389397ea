import type { Category } from '../../lib/migration/category.ts';
import { makeEditionWatch, type EditionWatch } from '../../lib/migration/editions/edition-watch.ts';
import type { EditionStore } from '../../lib/migration/editions/ports.ts';
import { failure, success, type Answer } from './answer.ts';

/** How long a service may be behind the current edition. */
const reloadEveryMs = 1_000;

export interface EditionsApi {
  /** null for a path that is not its own. */
  answer(path: string): Answer | null;
  close(): void;
}

/** `/api/v1/editions/{category}`: the edition that this service has loaded, as it reloads it while it runs. */
export function makeEditionsApi(
  editions: Pick<EditionStore, 'current' | 'records'>,
  categories: readonly Category[],
): EditionsApi {
  const watches = new Map<Category, EditionWatch>(
    categories.map((category) => [category, makeEditionWatch(editions, category)]),
  );
  const timer = setInterval(() => {
    // A store that cannot be reached leaves the edition that is loaded.
    for (const watch of watches.values()) watch.refresh().catch(() => false);
  }, reloadEveryMs);
  timer.unref();
  return {
    answer(path) {
      const category = /^\/api\/v1\/editions\/([^/]+)$/.exec(path)?.[1];
      if (category === undefined) return null;
      const held = watches.get(category)?.current() ?? null;
      return held === null ? failure(404, 'NotFound', `no edition of ${category} is loaded`) : success(held);
    },
    close: () => clearInterval(timer),
  };
}
