import { describe, expect, it } from 'vitest';

import { convertImage } from '../../../lib/migration/convert-image.ts';
import { damagedCopies } from '../../../lib/migration/planted-canary.ts';
import { recordTerm, rowTerm } from '../../../lib/migration/digest-term.ts';
import { planGeneration } from '../../../lib/migration/generator/generate-rows.ts';
import { hal9Definition } from '../../../lib/migration/hal9-definition.ts';
import { encodeKey } from '../../../lib/migration/key.ts';
import { isIntact } from '../../../lib/migration/record-hash.ts';
import type { KeyPart } from '../../../lib/migration/row.ts';
import { tableOf } from '../../../lib/migration/table-lookup.ts';

const nowMs = Date.parse('2026-01-01T00:00:00.000Z');
const version = { epoch: 1, sequence: 7 };

/** Rows of every table with their records, some converted before their sessions ended. */
function* pairs() {
  let at = 0;
  for (const { recordType, row } of planGeneration({ records: 1_500, seed: 11 }).rows()) {
    const table = tableOf(hal9Definition, recordType);
    const keyParts = table.keyColumns.map((name) => row[name] as KeyPart);
    const key = { recordType, id: encodeKey(keyParts) };
    at += 1;
    // Counted over another table: no record alone says it.
    const seen = recordType === 'neuron' ? { ...row, 'derived.connection_count': BigInt(at % 40) } : row;
    const { record } = convertImage({ key, keyParts, row: seen, version }, table, {
      nowMs: at % 2 === 0 ? nowMs : 0,
    });
    yield { key, row: seen, table, stored: { ...record, intact: true } };
  }
}

/** Record types of which some row expires, as a reader of all rows knows them. */
const expiring = new Set(
  [...pairs()].flatMap(({ key, row, table }) =>
    rowTerm(key, row, table, 'flat').expiresAtS === undefined ? [] : [key.recordType],
  ),
);

describe.each([
  { authority: 'flat', known: 'nothing' },
  { authority: 'hierarchical', known: 'nothing' },
  { authority: 'flat', known: 'what expires' },
  { authority: 'hierarchical', known: 'what expires' },
] as const)('terms under $authority authority of a reader who knows $known', ({ authority, known }) => {
  const contextOf = ({ recordType }: { readonly recordType: string }) => ({
    nowMs,
    authority,
    mayExpire: known === 'nothing' || expiring.has(recordType),
  });

  it('are equal for a row and the record that was made of it, of every table and in every form', () => {
    let compared = 0;
    for (const { key, row, table, stored } of pairs()) {
      const left = rowTerm(key, row, table, authority);
      const right = recordTerm(stored, table, contextOf(key));
      expect(right?.hash.toString('hex'), `${key.recordType}/${key.id}`).toBe(left.hash.toString('hex'));
      expect(right?.verdict).toBe(left.verdict);
      compared += 1;
    }
    expect(compared).toBeGreaterThan(1_400);
  });

  it('differ when a record of a type that never expires would expire', () => {
    const lasting = [...pairs()].filter(
      ({ key, stored }) => stored.state === 'live' && !expiring.has(key.recordType),
    );
    for (const { key, row, table, stored } of lasting) {
      const { hash } = rowTerm(key, row, table, authority);
      const damaged = { ...stored, expiresAtS: nowMs / 1000 + 86_400 };
      expect(recordTerm(damaged, table, contextOf(key))?.hash.equals(hash)).toBe(false);
    }
    expect(lasting.length).toBeGreaterThan(1_000);
  });

  it('differ for every damage that is planted', () => {
    for (const { key, row, table, stored } of pairs()) {
      const { hash } = rowTerm(key, row, table, authority);
      for (const copy of damagedCopies(stored)) {
        const damaged = recordTerm({ ...copy, intact: isIntact(copy) }, table, contextOf(key));
        expect(damaged?.hash.equals(hash) ?? false).toBe(false);
      }
    }
  });

  it('tell the damage of a record from the record, which is all that a change stream shows', () => {
    for (const { key, table, stored } of pairs()) {
      const before = recordTerm(stored, table, contextOf(key));
      for (const copy of damagedCopies(stored)) {
        const after = recordTerm({ ...copy, intact: isIntact(copy) }, table, contextOf(key));
        expect(after?.hash.toString('hex'), `${key.recordType}/${key.id}`).not.toBe(
          before?.hash.toString('hex'),
        );
      }
    }
  });

  it('differ when a record may not expire, expires at another time, or is of another category', () => {
    for (const { key, row, table, stored } of pairs()) {
      if (stored.expiresAtS === undefined) continue;
      const { hash } = rowTerm(key, row, table, authority);
      const { expiresAtS, ...endless } = stored;
      const damages = [
        { ...stored, expiresAtS: expiresAtS + 1 },
        { ...stored, category: 'metadata' },
        ...(row['expires_at'] !== null && expiresAtS * 1000 > nowMs + 15 * 86_400_000 ? [endless] : []),
      ];
      for (const damaged of damages) {
        expect(recordTerm(damaged, table, contextOf(key))?.hash.equals(hash)).toBe(false);
      }
    }
  });
});
