import type { Category } from '../migration/category.ts';
import { keyOfPk, recordPk } from '../migration/key.ts';
import type { ReversePendingEntry } from '../migration/ports.ts';
import { number, numberOf, text, textOf, type Item } from './attributes.ts';

export function reversePendingPartition(category: Category, group: number): string {
  return `${category}/${String(group).padStart(2, '0')}`;
}

export function reversePendingKey(entry: Pick<ReversePendingEntry, 'key' | 'category' | 'group'>): Item {
  return { pk: text(reversePendingPartition(entry.category, entry.group)), sk: text(recordPk(entry.key)) };
}

export function reversePendingItem(entry: ReversePendingEntry): Item {
  const { epoch, sequence } = entry.version;
  return { ...reversePendingKey(entry), e: number(epoch), v: number(sequence) };
}

export function parseReversePendingItem(item: Item, category: Category, group: number): ReversePendingEntry {
  return {
    key: keyOfPk(textOf(item, 'sk')),
    category,
    group,
    version: { epoch: numberOf(item, 'e'), sequence: numberOf(item, 'v') },
  };
}
