/**
 * Part of the state that changes hands as a whole. The migration definition lists its own categories, in the order in
 * which they are migrated; nothing else knows their names.
 */
export type Category = string;

/** Bounded, since the name is part of the keys of authority, relay and quarantine items. */
export const longestCategoryName = 40;

const wellFormed = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;

/** Lower-case words joined by hyphens, beginning with a letter. */
export function isCategoryName(text: string): boolean {
  return text.length <= longestCategoryName && wellFormed.test(text);
}
