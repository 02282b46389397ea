import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { bucketCount, bucketOf, groupCount, groupOf } from '../../../lib/migration/bucket.ts';
import { isIntact, sealRecord } from '../../../lib/migration/record-hash.ts';
import { itemToRecord, recordToItem } from '../../../lib/migration/record-item.ts';

const draft = {
  key: { recordType: 'session', id: 'a' },
  category: 'user-sessions' as const,
  version: { epoch: 1, sequence: 7 },
  state: 'live' as const,
  origin: 'flat' as const,
  body: '{"a":1}',
};
const record = sealRecord(draft);

describe('a sealed record', () => {
  it('is intact', () => {
    expect(isIntact(record)).toBe(true);
  });

  it.each([
    ['a changed body', { body: '{"a":2}' }],
    ['a truncated body', { body: '{"a"' }],
    ['a lost body', { body: null }],
    ['another version', { version: { epoch: 1, sequence: 8 } }],
    ['another epoch', { version: { epoch: 2, sequence: 7 } }],
    ['the place of another key', { key: { recordType: 'session', id: 'b' } }],
    ['another state', { state: 'tombstone' as const }],
  ])('is not intact with %s', (_name, change) => {
    expect(isIntact({ ...record, ...change })).toBe(false);
  });

  it('is not intact as a tombstone that has a body', () => {
    expect(isIntact(sealRecord({ ...draft, state: 'tombstone' }))).toBe(false);
  });

  it('survives as an item of the table', () => {
    expect(itemToRecord({ ...recordToItem({ ...record, expiresAtS: 99 }) })).toEqual({
      ...record,
      expiresAtS: 99,
      intact: true,
    });
    expect(itemToRecord({ ...recordToItem(record), body: 7 }).intact).toBe(false);
  });
});

describe('buckets', () => {
  it('are stable and spread over all groups', () => {
    const groups = new Set<number>();

    fc.assert(
      fc.property(fc.string(), (id) => {
        const bucket = bucketOf({ recordType: 'session', id });
        groups.add(groupOf({ recordType: 'session', id }));

        expect(bucket).toBeGreaterThanOrEqual(0);
        expect(bucket).toBeLessThan(bucketCount);
        expect(bucketOf({ recordType: 'session', id })).toBe(bucket);
      }),
      { numRuns: 1000, seed: 1 },
    );

    expect(groups.size).toBe(groupCount);
  });
});
