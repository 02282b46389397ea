import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import {
  decodeChangeMessage,
  decodeRangeTask,
  encodeChangeMessage,
  encodeRangeTask,
} from '../../../lib/migration/message-encoding.ts';
import { encodeKey } from '../../../lib/migration/key.ts';
import { decodeRow, encodeRow } from '../../../lib/migration/row-encoding.ts';

const flatValue = fc.oneof(
  fc.constant(null),
  fc.bigInt(),
  fc.double(),
  fc.constantFrom(-0, Number.NaN, 1e21, 2 ** 53 + 2),
  fc.string({ unit: 'binary' }),
  fc.uint8Array(),
);
const flatRow = fc.dictionary(fc.string({ minLength: 1 }), flatValue, { noNullPrototype: true });

describe('an encoded row', () => {
  it('comes back without loss, type and sign included', () => {
    fc.assert(
      fc.property(flatRow, (row) => {
        expect(decodeRow(encodeRow(row))).toStrictEqual(row);
      }),
    );
  });
});

describe('messages', () => {
  it('carry images without loss', () => {
    fc.assert(
      fc.property(
        fc.option(flatRow),
        fc.array(fc.oneof(fc.bigInt(), fc.string()), { minLength: 1 }),
        (row, parts) => {
          const message = {
            category: 'metadata' as const,
            afterSequence: 3,
            throughSequence: 9,
            images: [
              {
                key: { recordType: 'event', id: encodeKey(parts) },
                keyParts: parts,
                row,
                version: { epoch: 1, sequence: 9 },
              },
            ],
            oversized: [
              { key: { recordType: 'event', id: 'x' }, version: { epoch: 1, sequence: 8 }, lengthBytes: 7 },
            ],
          };

          expect(decodeChangeMessage(encodeChangeMessage(message))).toStrictEqual(message);
        },
      ),
    );
  });

  it('carry open and closed ranges', () => {
    const task = {
      runId: 'r',
      rangeId: 'r/event/0',
      category: 'metadata' as const,
      recordType: 'event',
      range: { after: ['a', 1n], upTo: null },
    };

    expect(decodeRangeTask(encodeRangeTask(task))).toStrictEqual(task);
  });

  it('of another kind are refused', () => {
    expect(() => decodeRangeTask('{"runId":1}')).toThrow('runId');
    expect(() => decodeChangeMessage('{}')).toThrow('category');
  });
});
