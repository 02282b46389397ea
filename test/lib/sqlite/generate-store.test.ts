import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { parseExactJson } from '../../../lib/kernel/canonical-json.ts';
import { convertRow } from '../../../lib/migration/convert-image.ts';
import { planGeneration } from '../../../lib/migration/generator/generate-rows.ts';
import { planRowCounts } from '../../../lib/migration/generator/row-counts.ts';
import { hal9Definition } from '../../../lib/migration/hal9-definition.ts';
import type { FlatSource, SourceImage } from '../../../lib/migration/ports.ts';
import { encodeRow } from '../../../lib/migration/row-encoding.ts';
import { generateStore } from '../../../lib/sqlite/generate-store.ts';
import { openFlatSource } from '../../../lib/sqlite/open-flat-source.ts';
import { temporaryDirectory } from './flat-file.ts';

const nowMs = Date.parse('2026-06-01T00:00:00Z');

async function* allImages(source: FlatSource, recordType: string): AsyncGenerator<SourceImage> {
  for (let after: SourceImage['keyParts'] | null = null; ;) {
    const page: Awaited<ReturnType<FlatSource['readRange']>> = await source.readRange(
      recordType,
      { after, upTo: null },
      500,
    );
    yield* page.images;
    if (page.nextAfter === null) return;
    after = page.nextAfter;
  }
}

function digest(records: number, seed: number): string {
  const hash = createHash('sha256');
  for (const { recordType, row } of planGeneration({ records, seed }).rows())
    hash.update(recordType + encodeRow(row));
  return hash.digest('hex');
}

test('a seed always gives the same rows, and another seed other ones', () => {
  expect(digest(500, 7)).toBe(digest(500, 7));
  expect(digest(500, 7)).not.toBe(digest(500, 8));
});

test.each([1, 2, 7, 8, 50, 999, 1000, 20_000, 1_234_567])('%d records are exactly that many', (records) => {
  const counts = planRowCounts(records);

  expect((Object.values(counts) as readonly number[]).reduce((sum, count) => sum + count, 0)).toBe(records);
  expect(Object.values(counts).every((count) => count >= (records >= 50 ? 1 : 0))).toBe(true);
});

test('every row of a generated store converts and comes back, but for those that were damaged on purpose', async () => {
  const path = join(temporaryDirectory(), 'flat.sqlite');
  const progress: number[] = [];

  const store = await generateStore({
    path,
    records: 6_000,
    seed: 3,
    onProgress: ({ written }) => progress.push(written),
  });

  const source = openFlatSource({ kind: 'sqlite', path }, hal9Definition);
  const reports = await source.inspect();
  expect(reports.reduce((sum, { rowCount }) => sum + rowCount, 0)).toBe(6_000);
  expect(progress).toEqual([5_000, 6_000]);
  const faults: string[] = [];
  const levels = new Set<unknown>();
  let expiring = 0;
  for (const table of hal9Definition.tables) {
    for await (const { row } of allImages(source, table.recordType)) {
      const conversion = convertRow(row ?? {}, table, nowMs);
      if (conversion.kind === 'rejected') {
        faults.push(`${table.recordType} ${conversion.errorName}`);
        continue;
      }
      const body = parseExactJson(conversion.body);
      levels.add((body as { level?: unknown }).level);
      expiring += conversion.expiresAtS === undefined ? 0 : 1;
      const { 'derived.connection_count': _count, ...stored } = row ?? {};
      const restored = table.transform.restore(body);
      if (!Object.entries(stored).every(([name, value]) => isSame(restored[name], value))) {
        throw new Error(`${encodeRow(stored)} came back as ${encodeRow(restored)}`);
      }
    }
  }
  await source.close();
  expect(faults.toSorted()).toEqual(['neuron InvalidNumberList', 'learning InvalidJson'].toSorted());
  expect(faults).toHaveLength(store.damaged);
  expect(levels.size).toBe(6);
  expect(expiring).toBeGreaterThan(100);
});

function isSame(left: unknown, right: unknown): boolean {
  return (
    Object.is(left, right) || (left instanceof Uint8Array && Buffer.compare(left, right as Uint8Array) === 0)
  );
}

test('an existing file is never overwritten, and a failure leaves nothing behind', async () => {
  const path = join(temporaryDirectory(), 'flat.sqlite');
  await generateStore({ path, records: 10, seed: 1 });

  await expect(generateStore({ path, records: 10, seed: 1 })).rejects.toMatchObject({ name: 'OutputExists' });
  const elsewhere = join(path, 'below-a-file.sqlite');
  await expect(generateStore({ path: elsewhere, records: 10, seed: 1 })).rejects.toMatchObject({
    name: 'OutputUnwritable',
    exit: 'usage',
  });
  expect(existsSync(`${path}.partial`)).toBe(false);
});

test.each([0, -1, 1.5, Number.NaN])('%d records are refused', async (records) => {
  const path = join(temporaryDirectory(), 'flat.sqlite');

  await expect(generateStore({ path, records, seed: 1 })).rejects.toMatchObject({
    name: 'GeneratorOptionsInvalid',
    exit: 'usage',
  });
});
