import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { sha256Bytes } from '../../../../lib/kernel/sha256.ts';
import { addToBucket, emptySums } from '../../../../lib/migration/kept/bucket-sums.ts';
import { compareDigests, plantInSums } from '../../../../lib/migration/kept/compare-digests.ts';
import {
  decodeDigests,
  encodeDigests,
  mostKeptBytes,
} from '../../../../lib/migration/kept/encode-digests.ts';
import { foldStream } from '../../../../lib/migration/kept/fold-stream.ts';
import { setOpen } from '../../../../lib/migration/kept/kept-digests.ts';
import { category, twoSides } from './two-sides.ts';

const ids = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');

const step = fc.oneof(
  fc.record({
    kind: fc.constant('change' as const),
    id: ids,
    payload: fc.option(fc.string({ maxLength: 3 })),
  }),
  fc.record({ kind: fc.constant('apply' as const), id: ids }),
  fc.record({ kind: fc.constant('damage' as const), id: ids, body: fc.constantFrom('{}', '{"x":1}', null) }),
  fc.record({ kind: fc.constant('log' as const) }),
  fc.record({ kind: fc.constant('stream' as const), again: fc.nat(4), upTo: fc.nat(4) }),
);

const anyHistory = fc.array(step, { maxLength: 40 });
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

/** Runs the history; streams are delivered late, in part, and repeatedly. Ends with both feeds read to their end. */
function play(history: readonly Step[], fold?: typeof foldStream) {
  const sides = twoSides(fold);
  let delivered = 0;
  for (const event of history) {
    if (event.kind === 'change') sides.change(event.id, event.payload);
    else if (event.kind === 'apply') sides.apply(event.id);
    else if (event.kind === 'damage') sides.damage(event.id, event.body);
    else if (event.kind === 'log') sides.readLog();
    else {
      const to = Math.min(sides.stream.length, delivered + event.upTo);
      sides.deliver(Math.max(0, delivered - event.again), to);
      delivered = Math.max(delivered, to);
    }
  }
  sides.deliver(Math.max(0, delivered - 2), sides.stream.length);
  sides.readLog();
  return sides;
}

const everythingApplied = new Map([[category, Number.MAX_SAFE_INTEGER]]);

/** Counts every delivery. */
const withoutFence: typeof foldStream = (definition, digests, page, nowMs) => {
  const folded = foldStream(
    definition,
    Object.assign(digests, { position: { shard: { folded: null, iterator: '0', isOver: false } } }),
    page,
    nowMs,
  );
  return folded;
};

const isSame = (one: Uint32Array, other: Uint32Array): boolean =>
  Buffer.from(one.buffer).equals(Buffer.from(other.buffer));

describe('digests kept from the two feeds', () => {
  it('do not depend on the order of what is added and taken away', () => {
    const terms = fc.array(fc.tuple(fc.string(), fc.string(), fc.constantFrom(1 as const, -1 as const)));

    fc.assert(
      fc.property(terms, (all) => {
        const [one, other] = [emptySums(), emptySums()];
        for (const [key, term, sign] of all) addToBucket(one, sha256Bytes(key), sha256Bytes(term), sign);
        for (const [key, term, sign] of all.toReversed()) {
          addToBucket(other, sha256Bytes(key), sha256Bytes(term), sign);
        }
        expect(isSame(one, other)).toBe(true);
      }),
    );
  });

  it('equal what all records together give, however often the stream was delivered', () => {
    fc.assert(
      fc.property(anyHistory, (history) => {
        const { digests, recomputed } = play(history);
        expect(isSame(digests.target, recomputed())).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  it('would not, if a change that is delivered twice counted twice', () => {
    const check = fc.check(
      fc.property(anyHistory, (history) => {
        const { digests, recomputed } = play(history, withoutFence);
        return isSame(digests.target, recomputed());
      }),
      { numRuns: 5_000, seed: 1, endOnFailure: true },
    );

    expect(check.failed).toBe(true);
  });

  it('name every key that differs, once all is applied that was logged', () => {
    fc.assert(
      fc.property(anyHistory, (history) => {
        const { digests, differing } = play(history);
        const { suspects, isTorn } = compareDigests(digests, everythingApplied);

        expect(isTorn).toBe(false);
        for (const pk of differing()) expect(suspects).toContain(pk);
      }),
      { numRuns: 100 },
    );
  });

  it('find nothing where the target follows, wherever it stands just now', () => {
    const quiet = anyHistory.map((history) => history.filter(({ kind }) => kind !== 'damage'));

    fc.assert(
      fc.property(quiet, (history) => {
        const sides = play(history);
        const applied = new Map([[category, 0]]);
        const { suspects } = compareDigests(sides.digests, applied);
        const ahead = suspects.filter((pk) => sides.differing().includes(pk));
        expect(ahead).toEqual([]);

        for (const id of sides.rows.keys()) sides.apply(id);
        sides.deliver(0, sides.stream.length);
        const after = compareDigests(sides.digests, everythingApplied);
        expect(after).toMatchObject({ suspects: [], unequal: 0, isTorn: false });
      }),
      { numRuns: 100 },
    );
  });

  it('come back from their bytes as they were, and take less than a megabyte', () => {
    const { digests } = play([
      { kind: 'change', id: 'a', payload: 'one' },
      { kind: 'apply', id: 'a' },
      { kind: 'damage', id: 'a', body: '{}' },
      { kind: 'change', id: 'b', payload: null },
    ]);

    const bytes = encodeDigests(digests);

    const decoded = decodeDigests(bytes);
    expect(decoded.open).toEqual(digests.open);
    expect(Buffer.from(encodeDigests(decoded)).equals(Buffer.from(bytes))).toBe(true);
    expect(bytes.length).toBeLessThan(mostKeptBytes);
  });

  it('are torn when the stream left a change out', () => {
    const sides = twoSides();
    sides.change('a', 'one');
    sides.apply('a');
    sides.damage('a', '{}');
    sides.damage('a', '{"x":1}');

    sides.deliver(0, 1);
    sides.deliver(2, 3);

    expect(compareDigests(sides.digests, everythingApplied).isTorn).toBe(true);
  });

  it('are torn when they differ where no key is open', () => {
    const { digests } = twoSides();
    addToBucket(digests.target, sha256Bytes('k'), sha256Bytes('t'), 1);

    expect(compareDigests(digests, everythingApplied).isTorn).toBe(true);
  });

  it('find every difference that is planted into them, and are the same afterwards', () => {
    const { digests } = play([{ kind: 'change', id: 'a', payload: 'x' }]);
    const before = encodeDigests(digests);

    expect(plantInSums(digests)).toEqual({ planted: 4, found: 4 });

    expect(Buffer.from(encodeDigests(digests)).equals(Buffer.from(before))).toBe(true);
  });

  it('forget a key as soon as both sides say the same', () => {
    const { digests } = twoSides();
    const open = { category, source: 'x', expected: null, target: 'y', seen: null };

    setOpen(digests, 'session/a', open);
    setOpen(digests, 'session/a', { ...open, target: 'x' });

    expect(digests.open.size).toBe(0);
  });
});
