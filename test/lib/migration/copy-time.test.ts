import { describe, expect, test } from 'vitest';

import { copyTimeLeftMs, requireCopyTime } from '../../../lib/migration/copy-time.ts';

const hourMs = 3_600_000;
const nowMs = 1_000 * hourMs;
const kept = (readHoursAgo: number) => ({ keptMs: 24 * hourMs, readAtMs: nowMs - readHoursAgo * hourMs });

describe('a store that keeps its changes for a day', () => {
  test('leaves a copy what was not used up, and an hour less', () => {
    expect(copyTimeLeftMs(kept(0), nowMs)).toBe(23 * hourMs);
    expect(copyTimeLeftMs(kept(20), nowMs)).toBe(3 * hourMs);
    expect(copyTimeLeftMs(kept(30), nowMs)).toBe(0);
  });

  test('takes a copy that surely ends before', () => {
    expect(() => requireCopyTime(kept(0), 18 * 3_600, nowMs)).not.toThrow();
    expect(() => requireCopyTime(kept(0), 0, nowMs)).not.toThrow();
  });

  test('refuses one that may not', () => {
    expect(() => requireCopyTime(kept(0), 19 * 3_600, nowMs)).toThrow(
      expect.objectContaining({ name: 'CopyTooLong', exit: 'gateFailed' }),
    );
    expect(() => requireCopyTime(kept(20), 3 * 3_600, nowMs)).toThrow(
      expect.objectContaining({ name: 'CopyTooLong' }),
    );
  });
});
