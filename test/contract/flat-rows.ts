import { afterEach, describe, expect, it } from 'vitest';

import { encodeKey } from '../../lib/migration/key.ts';
import type { FlatSource, KeyRange } from '../../lib/migration/ports.ts';
import type { FlatRow, KeyPart, RecordKey } from '../../lib/migration/row.ts';
import { tableOf } from '../../lib/migration/table-lookup.ts';
import { smallDefinition } from '../simulation/definition.ts';

/** Rows of the small definition, each with its record type. */
export type SmallRows = readonly (readonly [recordType: string, row: FlatRow])[];

export type RowOrder = 'key' | 'store';

/** A source over a store with these rows in it, without change log. */
export type OpenWithRows = (
  rows: SmallRows,
) => Promise<{ readonly source: FlatSource; readonly rowOrder?: RowOrder; stop(): Promise<void> }>;

export function categoryOfType(recordType: string): string {
  return tableOf(smallDefinition, recordType).category;
}

export function keyOfSmallRow(recordType: string, row: FlatRow): RecordKey {
  const parts = tableOf(smallDefinition, recordType).keyColumns.map((column) => row[column] as KeyPart);
  return { recordType, id: encodeKey(parts) };
}

async function rangesOf(source: FlatSource): Promise<readonly KeyRange[]> {
  const ranges: KeyRange[] = [];
  for await (const range of source.planRanges('session', 10)) ranges.push(range);
  return ranges;
}

const session = (id: string): SmallRows[number] => ['session', { id, payload: 'x' }];
const event = (stream: string, number: bigint): SmallRows[number] => [
  'event',
  { stream, number, payload: 'x' },
];

/** How every flat source shows the rows that are in its store, live or not. */
export function flatRowsContract(name: string, openWith: OpenWithRows): void {
  describe(`rows of a flat source: ${name}`, () => {
    let opened: Awaited<ReturnType<OpenWithRows>>;
    afterEach(() => opened.stop());
    const open = async (rows: SmallRows): Promise<FlatSource> => {
      opened = await openWith(rows);
      return opened.source;
    };

    it('reports its tables and counts their rows', async () => {
      const source = await open([session('a')]);

      expect(await source.inspect()).toContainEqual({
        recordType: 'session',
        table: 'sessions',
        category: 'user-sessions',
        rowCount: 1,
      });
      expect(await source.countRows('session')).toBe(1);
      expect(await source.countRows('note')).toBe(0);
    });

    it('plans ranges that cover every key exactly once and leave the end open', async () => {
      const names = Array.from({ length: 25 }, (_, at) => `k${String(at).padStart(2, '0')}`);
      const source = await open(names.toReversed().map((id) => session(id)));

      const ranges = await rangesOf(source);
      const ids: string[] = [];
      for (const range of ranges) {
        const page = await source.readRange('session', range, 100);
        ids.push(...page.images.map(({ key }) => key.id));
      }

      expect(ranges).toHaveLength(3);
      expect([ranges[0]!.after, ranges.at(-1)!.upTo]).toEqual([null, null]);
      // A store that has no order of keys plans segments, and says which rows come first itself.
      const isByKey = opened.rowOrder !== 'store';
      expect(isByKey ? ids : ids.toSorted()).toEqual(names);
      expect(ranges.map(({ segment }) => segment?.index)).toEqual(
        isByKey ? [undefined, undefined, undefined] : [0, 1, 2],
      );
    });

    it('plans one open range over an empty table', async () => {
      const source = await open([]);

      expect(await rangesOf(source)).toEqual([{ after: null, upTo: null }]);
    });

    it('pages through a range in its order, composite keys included', async () => {
      const source = await open([event('a', 10n), event('b', 1n), event('a|', 1n), event('a', 2n)]);
      const isByKey = opened.rowOrder !== 'store';

      const seen: (readonly KeyPart[])[] = [];
      let after: KeyRange['after'] = null;
      do {
        const page: Awaited<ReturnType<FlatSource['readRange']>> = await source.readRange(
          'event',
          { after, upTo: isByKey ? ['a|', 9n] : null },
          2,
        );
        seen.push(...page.images.map(({ keyParts }) => keyParts));
        after = page.nextAfter;
      } while (after !== null);

      const ofA = seen.filter(([stream]) => stream === 'a');
      expect(ofA).toEqual([
        ['a', 2n],
        ['a', 10n],
      ]);
      expect(seen).toHaveLength(isByKey ? 3 : 4);
      expect(seen).toContainEqual(['a|', 1n]);
    });

    it('goes on behind a row that is gone by now', async () => {
      const source = await open([event('a', 1n), event('a', 3n), event('a', 4n)]);

      const page = await source.readRange('event', { after: ['a', 2n], upTo: null }, 10);

      expect(page.images.map(({ keyParts }) => keyParts[1])).toEqual([3n, 4n]);
    });

    it('gives rows without loss of type', async () => {
      const row = { stream: 'ü|%#', number: 9_007_199_254_740_993n, payload: null };
      const key = keyOfSmallRow('event', row);
      const source = await open([['event', row]]);

      const { images } = await source.readCurrent('metadata', [key]);

      expect(images).toEqual([{ key, keyParts: [row.stream, row.number], row, version: null }]);
    });

    it('says of a key that it does not have that there is no row', async () => {
      const source = await open([session('a')]);

      const { images } = await source.readCurrent('user-sessions', [
        { recordType: 'session', id: 'b' },
        { recordType: 'session', id: 'a' },
      ]);

      expect(images.map(({ key, row }) => [key.id, row?.['payload'] ?? null])).toEqual([
        ['b', null],
        ['a', 'x'],
      ]);
    });
  });
}
