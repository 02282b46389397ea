import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { sha256Hex } from '../../../../lib/kernel/sha256.ts';
import {
  chainStart,
  endFaults,
  isSamePoint,
  linkEvent,
  walkEvent,
  type ChainEvent,
  type ChainFault,
  type ChainPoint,
  type SealedPoint,
} from '../../../../lib/migration/audit-chain/chain.ts';
import { plantInChain } from '../../../../lib/migration/audit-chain/planted-chain.ts';

interface Stream {
  readonly events: readonly ChainEvent[];
  readonly seals: readonly SealedPoint[];
}

/** A stream that was sealed at some places, its end among them. */
const sealedStream = fc
  .record({
    first: fc.bigInt({ min: -5n, max: 2n ** 60n }),
    length: fc.integer({ min: 3, max: 40 }),
    segment: fc.integer({ min: 1, max: 12 }),
  })
  .map(({ first, length, segment }): Stream => {
    const events = Array.from({ length }, (_, at) => event(first + BigInt(at), `event ${at}`));
    const seals: SealedPoint[] = [];
    let point: ChainPoint | null = null;
    for (const [at, one] of events.entries()) {
      point = linkEvent(point, one);
      if ((at + 1) % segment === 0 || at + 1 === length) seals.push(point);
    }
    return { events, seals };
  });

const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

function event(sequence: bigint, content: string): ChainEvent {
  return { sequence, hash: sha256Hex(`${sequence} ${content}`) };
}

function faultsOf(events: readonly ChainEvent[], seals: readonly SealedPoint[]): readonly ChainFault[] {
  let walk = chainStart;
  const faults: ChainFault[] = [];
  for (const one of events) {
    const step = walkEvent(walk, one, seals);
    ({ walk } = step);
    faults.push(...step.faults);
  }
  return [...faults, ...endFaults(walk, seals)];
}

function names(faults: readonly ChainFault[]): readonly string[] {
  return [...new Set(faults.map(({ fault }) => fault))];
}

/** The seal whose segment holds the event. */
function sealOf({ seals }: Stream, sequence: bigint): string {
  return seals.find(({ last }) => BigInt(last) >= sequence)?.last ?? '';
}

describe('the chain of an audit stream', () => {
  it('has no fault where nothing was touched, whatever came behind the last seal', () => {
    fc.assert(
      fc.property(sealedStream, fc.nat({ max: 5 }), ({ events, seals }, more) => {
        const last = events.at(-1)?.sequence ?? 0n;
        const later = Array.from({ length: more }, (_, at) => event(last + BigInt(at) + 1n, 'later'));

        expect(faultsOf([...events, ...later], seals)).toEqual([]);
      }),
    );
  });

  it('shows a gap, wherever it is, with the numbers that are missing', () => {
    fc.assert(
      fc.property(sealedStream, place, (stream, where) => {
        const at = Math.floor(where * (stream.events.length - 1));
        const missing = stream.events[at]!.sequence;
        const faults = faultsOf(stream.events.toSpliced(at, 1), stream.seals);

        expect(faults).toContainEqual({
          fault: 'AuditGap',
          sequence: (missing + 1n).toString(),
          detail: `${missing} to ${missing} are missing before it`,
        });
        expect(faults).toContainEqual(
          expect.objectContaining({ fault: 'AuditAltered', sequence: sealOf(stream, missing) }),
        );
      }),
    );
  });

  it('shows two events whose contents were swapped, in the segments where they are and in no other', () => {
    fc.assert(
      fc.property(sealedStream, place, place, (stream, left, right) => {
        const [one, other] = [left, right].map((where) => Math.floor(where * stream.events.length));
        fc.pre(one !== other);
        const [first, second] = [stream.events[one!]!, stream.events[other!]!];
        const swapped = stream.events
          .with(one!, { ...first, hash: second.hash })
          .with(other!, { ...second, hash: first.hash });
        const faults = faultsOf(swapped, stream.seals);

        expect(names(faults)).toEqual(['AuditAltered']);
        expect(new Set(faults.map(({ sequence }) => sequence))).toEqual(
          new Set([sealOf(stream, first.sequence), sealOf(stream, second.sequence)]),
        );
      }),
    );
  });

  it('shows events that come in another order', () => {
    fc.assert(
      fc.property(sealedStream, place, (stream, where) => {
        const at = Math.floor(where * (stream.events.length - 1));
        const moved = stream.events.with(at, stream.events[at + 1]!).with(at + 1, stream.events[at]!);

        expect(names(faultsOf(moved, stream.seals))).toContain('AuditOrder');
      }),
    );
  });

  it('shows one changed event, in its segment and in no other', () => {
    fc.assert(
      fc.property(sealedStream, place, (stream, where) => {
        const at = Math.floor(where * stream.events.length);
        const { sequence } = stream.events[at]!;
        const faults = faultsOf(stream.events.with(at, event(sequence, 'forged')), stream.seals);

        expect(faults.map((fault) => [fault.fault, fault.sequence])).toEqual([
          ['AuditAltered', sealOf(stream, sequence)],
        ]);
      }),
    );
  });

  it('shows a stream that was cut off, down to nothing', () => {
    fc.assert(
      fc.property(sealedStream, place, (stream, where) => {
        const kept = Math.floor(where * stream.events.length);
        const faults = faultsOf(stream.events.slice(0, kept), stream.seals);

        expect(faults).toContainEqual(
          expect.objectContaining({ fault: 'AuditTruncated', sequence: stream.seals.at(-1)?.last }),
        );
      }),
    );
  });

  it('shows an event that was put before the first, or in place of the last', () => {
    fc.assert(
      fc.property(sealedStream, (stream) => {
        const before = event(stream.events[0]!.sequence - 1n, 'forged');

        expect(names(faultsOf([before, ...stream.events], stream.seals))).toEqual([
          'AuditOrder',
          'AuditAltered',
        ]);
      }),
    );
  });

  it('has the same head on two sides only for the same events in the same order', () => {
    fc.assert(
      fc.property(sealedStream, place, ({ events }, where) => {
        const at = Math.floor(where * events.length);
        const whole = events.reduce<ChainPoint | null>(linkEvent, null);
        const copy = events.map((one) => ({ ...one })).reduce<ChainPoint | null>(linkEvent, null);
        const forged = events.with(at, event(events[at]!.sequence, 'forged'));

        expect(isSamePoint(whole, copy)).toBe(true);
        expect(isSamePoint(whole, forged.reduce<ChainPoint | null>(linkEvent, null))).toBe(false);
        expect(isSamePoint(whole, events.toSpliced(at, 1).reduce<ChainPoint | null>(linkEvent, null))).toBe(
          false,
        );
      }),
    );
  });

  it('finds all that is planted in copies of real events', () => {
    fc.assert(
      fc.property(sealedStream, ({ events }) => {
        expect(plantInChain(events)).toEqual({ planted: 4, found: 4 });
      }),
    );
    expect(plantInChain([])).toEqual({ planted: 0, found: 0 });
  });
});
