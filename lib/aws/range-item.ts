import { decodeKey, encodeKey } from '../migration/key.ts';
import type { RangeCounts, RangeState, RangeTask, TableSegment } from '../migration/ports.ts';
import type { KeyPart } from '../migration/row.ts';
import { number, numberOf, text, textOf, type Item } from './attributes.ts';

/** Every range has a partition key of its own, so that workers never meet on one. */
export function rangeKey(rangeId: string): { pk: string; sk: string } {
  return { pk: `range/${rangeId}`, sk: '.' };
}

/** A planned range as it is first stored. Cursors are encoded keys; an absent bound is open. */
export function rangeItem(task: RangeTask): Item {
  const { pk, sk } = rangeKey(task.rangeId);
  return {
    pk: text(pk),
    sk: text(sk),
    rangeId: text(task.rangeId),
    runId: text(task.runId),
    category: text(task.category),
    recordType: text(task.recordType),
    ...boundItem('rangeAfter', task.range.after),
    ...boundItem('rangeUpTo', task.range.upTo),
    ...segmentItem(task.range.segment),
    state: text('planned'),
    fence: number(0),
    leaseUntilMs: number(0),
    readCount: number(0),
    writtenCount: number(0),
    keptCount: number(0),
    quarantinedCount: number(0),
  };
}

/** The cursor starts at the range's own lower bound. */
export function parseRangeItem(item: Item): RangeState {
  const lower = boundOf(item, 'rangeAfter');
  return {
    runId: textOf(item, 'runId'),
    rangeId: textOf(item, 'rangeId'),
    category: textOf(item, 'category'),
    recordType: textOf(item, 'recordType'),
    range: { after: lower, upTo: boundOf(item, 'rangeUpTo'), ...segmentOf(item) },
    state: textOf(item, 'state') as RangeState['state'],
    fence: numberOf(item, 'fence'),
    after: boundOf(item, 'cursor') ?? lower,
    counts: {
      read: numberOf(item, 'readCount'),
      written: numberOf(item, 'writtenCount'),
      kept: numberOf(item, 'keptCount'),
      quarantined: numberOf(item, 'quarantinedCount'),
    },
    leaseUntilMs: numberOf(item, 'leaseUntilMs'),
  };
}

/** Update clause that adds the counts of one page; its values come from `countValues`. */
export const addCounts =
  'ADD readCount :read, writtenCount :written, keptCount :kept, quarantinedCount :quarantined';

export function countValues(counts: RangeCounts): Item {
  return {
    ':read': number(counts.read),
    ':written': number(counts.written),
    ':kept': number(counts.kept),
    ':quarantined': number(counts.quarantined),
  };
}

function boundItem(name: string, bound: readonly KeyPart[] | null): Item {
  return bound === null ? {} : { [name]: text(encodeKey(bound)) };
}

function segmentItem(segment: TableSegment | undefined): Item {
  return segment === undefined
    ? {}
    : { segmentIndex: number(segment.index), segmentCount: number(segment.count) };
}

function segmentOf(item: Item): { segment?: TableSegment } {
  if (item['segmentIndex'] === undefined) return {};
  return { segment: { index: numberOf(item, 'segmentIndex'), count: numberOf(item, 'segmentCount') } };
}

function boundOf(item: Item, name: string): readonly KeyPart[] | null {
  const encoded = item[name]?.S;
  return encoded === undefined ? null : decodeKey(encoded);
}
