import * as fc from 'fast-check';
import { expect, test } from 'vitest';

import { checkKey } from '../../../local/traffic/check-key.ts';
import type { KeyHistory, Observed, ReadOperation, WriteOperation } from '../../../local/traffic/history.ts';

interface Operation {
  readonly kind: 'write' | 'read';
  readonly value: Observed;
  readonly from: number;
  readonly to: number;
}

/** Tries every order that respects time: the definition of a register, far too slow for anything but a handful. */
function hasAnOrder(value: Observed, open: readonly Operation[]): boolean {
  if (open.every((operation) => operation.to === Infinity)) return true;
  return open.some((next) => {
    const rest = open.filter((operation) => operation !== next);
    if (rest.some((operation) => operation.to < next.from)) return false;
    if (next.kind === 'read') return next.value === value && hasAnOrder(value, rest);
    return hasAnOrder(next.value, rest);
  });
}

function isInOrder(history: KeyHistory, final: Observed): boolean {
  const writes = history.writes.map((write) => ({
    kind: 'write' as const,
    value: write.value,
    from: write.invokedAt,
    to: write.acknowledgedAt,
  }));
  const reads = history.reads.map((read) => ({
    kind: 'read' as const,
    value: read.value,
    from: read.invokedAt,
    to: read.endedAt,
  }));
  const last = { kind: 'read' as const, value: final, from: 1_000, to: 1_001 };
  return hasAnOrder(history.initial, [...writes, ...reads, last]);
}

interface Shape {
  readonly deletes: boolean;
  readonly unknown: boolean;
}

/** One writer who waits for each answer, readers at any time, values mostly of the right key. */
function histories(shape: Shape): fc.Arbitrary<{ history: KeyHistory; final: Observed }> {
  const steps = fc.array(
    fc.record({
      gap: fc.integer({ min: 1, max: 3 }),
      length: fc.integer({ min: 0, max: 4 }),
      deletes: shape.deletes ? fc.boolean() : fc.constant(false),
      unknown: shape.unknown ? fc.boolean() : fc.constant(false),
    }),
    { maxLength: 4 },
  );
  const reads = fc.array(
    fc.record({
      from: fc.integer({ min: 0, max: 20 }),
      length: fc.integer({ min: 0, max: 4 }),
      value: fc.nat(5),
    }),
    { maxLength: 4 },
  );
  return fc.tuple(steps, reads, fc.nat(5), fc.boolean()).map(([steps, reads, last, existed]) => {
    let now = 0;
    const writes = steps.map((step, index): WriteOperation => {
      const invokedAt = now + step.gap;
      now = invokedAt + step.length;
      const value = step.deletes ? null : `t${index}`;
      const acknowledgedAt = step.unknown ? Infinity : now;
      return { id: index, user: 'u1', value, invokedAt, acknowledgedAt };
    });
    const initial = existed ? '=old' : null;
    const seen = [initial, ...writes.map((write) => write.value), null, '=strange'];
    const pick = (index: number): Observed => seen[index % seen.length] ?? null;
    const history: KeyHistory = {
      key: 'config/x',
      initial,
      writes,
      reads: reads.map((read, index): ReadOperation => ({
        id: 100 + index,
        user: 'u2',
        value: pick(read.value),
        invokedAt: read.from,
        endedAt: read.from + read.length,
      })),
    };
    return { history, final: pick(last) };
  });
}

test('a history that some order of its operations explains is never blamed', () => {
  fc.assert(
    fc.property(histories({ deletes: true, unknown: true }), ({ history, final }) => {
      fc.pre(isInOrder(history, final));

      expect(checkKey(history, { value: final })).toEqual([]);
    }),
    { numRuns: 3_000 },
  );
});

test('without deletes and unknown outcomes, exactly the histories that no order explains are blamed', () => {
  fc.assert(
    fc.property(histories({ deletes: false, unknown: false }), ({ history, final }) => {
      const blamed = checkKey(history, { value: final }).length > 0;

      expect(blamed).toBe(!isInOrder(history, final));
    }),
    { numRuns: 5_000 },
  );
});

test('with deletes, what is acknowledged and then not there is always blamed', () => {
  fc.assert(
    fc.property(histories({ deletes: true, unknown: false }), ({ history, final }) => {
      const last = history.writes.at(-1);
      fc.pre(last !== undefined && last.value !== final);

      expect(checkKey(history, { value: final })).not.toEqual([]);
    }),
    { numRuns: 2_000 },
  );
});
