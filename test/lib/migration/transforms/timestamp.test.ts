import { expect, test } from 'vitest';

import { parseTimestamp, timestampCodec } from '../../../../lib/migration/transforms/timestamp.ts';

const instant = Date.parse('2025-06-10T12:00:00.000Z');

test.each([
  [1_749_556_800n],
  [1_749_556_800_000n],
  ['1749556800'],
  ['2025-06-10T12:00:00Z'],
  ['2025-06-10T14:00:00+02:00'],
  ['2025-06-10T12:00:00.000999Z'],
  ['2025-06-10 12:00:00'],
  ['2025-06-10T12:00:00'],
])('%s is noon of 10 June 2025 in UTC', (value) => {
  expect(parseTimestamp(value)).toBe(instant);
});

test.each([['yesterday'], ['2025-02-30 12:00:00'], ['2025-06-10T25:00:00Z'], [''], [2n ** 62n], [Infinity]])(
  '%s is rejected',
  (value) => {
    expect(timestampCodec.toShape(value)).toMatchObject({ kind: 'rejected', errorName: 'InvalidTimestamp' });
  },
);

test('an instant that was changed on the hierarchical side keeps the spelling of the flat system', () => {
  const changed = '2025-06-11T00:00:00.000Z';

  expect(timestampCodec.fromShape(changed, 1_749_556_800n)).toBe(1_749_600_000n);
  expect(timestampCodec.fromShape(changed, '2025-06-10 12:00:00')).toBe('2025-06-11 00:00:00');
  expect(timestampCodec.fromShape(changed)).toBe(1_749_600_000_000n);
});
