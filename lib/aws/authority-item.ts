import type { Category } from '../migration/category.ts';
import type { AuthorityItem } from '../migration/ports.ts';
import type { RecordOrigin } from '../migration/record.ts';
import { flag, flagOf, number, numberOf, text, textOf, type Item } from './attributes.ts';

export function authorityKey(category: Category, group: number): Item {
  return { pk: text(category), sk: text(String(group).padStart(2, '0')) };
}

export function authorityItem(authority: AuthorityItem): Item {
  return {
    ...authorityKey(authority.category, authority.group),
    side: text(authority.side),
    epoch: number(authority.epoch),
    fenced: flag(authority.fenced),
  };
}

export function parseAuthorityItem(item: Item): AuthorityItem {
  return {
    category: textOf(item, 'pk'),
    group: Number(textOf(item, 'sk')),
    side: textOf(item, 'side') as RecordOrigin,
    epoch: numberOf(item, 'epoch'),
    fenced: flagOf(item, 'fenced'),
  };
}
