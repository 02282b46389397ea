import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { bucketOf, decideRoute } from '../../../lib/router/decide-route.ts';
import type { Routes } from '../../../lib/router/routes.ts';
import { bucketOfMark, subjectMark, subjectOf } from '../../../lib/router/subject.ts';
import golden from './golden-vectors.json' with { type: 'json' };

const share = (trafficThousandths: number): Routes => ({
  routingEpoch: 1,
  version: 1,
  killSwitch: false,
  hierarchicalEnabled: true,
  trafficThousandths,
});

test.each(golden.vectors)('the golden vector of $subject holds', ({ claims, subject, bucket, mark }) => {
  const all = { user: '', session: '', tenant: '', requestId: golden.requestId, ...claims };

  expect(subjectOf(all)).toBe(subject);
  expect(decideRoute({ subject }, share(0)).bucket).toBe(bucket);
  expect(subjectMark(subject)).toBe(mark);
  expect(bucketOfMark(mark)).toBe(bucket);
});

describe('a decision', () => {
  test('is flat without routes, with the kill switch, and while the hierarchical system is off', () => {
    const identity = { subject: 'user:alice' };

    expect(decideRoute(identity, null)).toMatchObject({ side: 'flat', reason: 'no-routes' });
    expect(decideRoute(identity, { ...share(100_000), killSwitch: true })).toMatchObject({
      side: 'flat',
      reason: 'kill-switch',
    });
    expect(decideRoute(identity, { ...share(100_000), hierarchicalEnabled: false })).toMatchObject({
      side: 'flat',
      reason: 'disabled',
    });
  });

  test('sends nobody at 0 and everybody at 100 percent', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (subject) => {
        expect(decideRoute({ subject }, share(0)).side).toBe('flat');
        expect(decideRoute({ subject }, share(100_000)).side).toBe('hierarchical');
      }),
    );
  });

  test('never takes a subject back while the share only rises', () => {
    const ramps = fc.array(fc.integer({ min: 0, max: 100_000 }), { minLength: 2, maxLength: 8 });
    fc.assert(
      fc.property(fc.string(), ramps, (subject, shares) => {
        const ramp = shares.toSorted((left, right) => left - right);
        const sides = ramp.map((each) => decideRoute({ subject }, share(each)).side);

        expect(sides.toSorted()).toEqual(sides);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('buckets', () => {
  const subjects = Array.from({ length: 200_000 }, (_, index) => `user:${index}`);

  test.each([100, 1_000, 5_000, 25_000, 50_000, 90_000])(
    'hold a share of %i thousandths truly',
    (thousandths) => {
      const inside = subjects.filter((subject) => bucketOf('traffic', subject) < thousandths).length;
      const expected = (subjects.length * thousandths) / 100_000;
      const deviation = Math.sqrt(expected * (1 - thousandths / 100_000));

      expect(Math.abs(inside - expected)).toBeLessThan(4 * deviation);
    },
  );

  test('are spread evenly over all hundred percent', () => {
    const counts = Array.from({ length: 100 }, () => 0);
    for (const subject of subjects) counts[Math.floor(bucketOf('traffic', subject) / 1000)]! += 1;
    const expected = subjects.length / 100;
    const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);

    // 99 degrees of freedom: 149 is passed by one honest sample in a thousand.
    expect(chiSquare).toBeLessThan(149);
  });

  test('of two salts are independent', () => {
    const inTraffic = subjects.filter((subject) => bucketOf('traffic', subject) < 10_000);
    const inBoth = inTraffic.filter((subject) => bucketOf('meta_learning', subject) < 10_000).length;
    const expected = inTraffic.length / 10;

    expect(Math.abs(inBoth - expected)).toBeLessThan(4 * Math.sqrt(expected));
  });
});

test('a user, a session and a tenant of one name are three subjects', () => {
  const none = { user: '', session: '', tenant: '', requestId: 'r' };
  const subjects = [
    subjectOf({ ...none, user: '7' }),
    subjectOf({ ...none, session: '7' }),
    subjectOf({ ...none, tenant: '7' }),
  ];

  expect(new Set(subjects).size).toBe(3);
});

test.each(['', 'zz', '0123456789abcdef0', 'ABCDEF0123456789', 'xxxxxxxx01234567'])(
  '%j is no mark of a subject',
  (text) => {
    expect(bucketOfMark(text)).toBeNull();
  },
);
