import type { Category } from './category.ts';
import type { CategoryStatus } from './state-status.ts';

/**
 * Where writes of a category go. `flat-only`: flat has authority and nothing is copied. `dual-write`: flat has
 * authority, its change log and the relay bring every change to the hierarchical side; no application writes twice.
 * `hierarchical-only`: that side has authority, and the reverse path keeps flat current for a way back.
 */
export type WriteMode = 'flat-only' | 'dual-write' | 'hierarchical-only' | 'switching';

export function writeModeOf(
  { authority, switch: last, backfill }: Pick<CategoryStatus, 'authority' | 'switch' | 'backfill'>,
  migrationMode: { readonly enabled: boolean },
): WriteMode {
  if (last !== null && last.stage !== 'done' && last.stage !== 'aborted') return 'switching';
  if (authority.state === 'following') return 'hierarchical-only';
  return migrationMode.enabled || backfill.plannedRanges > 0 ? 'dual-write' : 'flat-only';
}

/** The one mode that every category has; null when they differ. */
export function commonMode(modes: readonly (readonly [Category, WriteMode])[]): WriteMode | null {
  const distinct = new Set(modes.map(([, mode]) => mode));
  const [only] = distinct;
  return distinct.size === 1 && only !== undefined ? only : null;
}
