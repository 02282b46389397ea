import { randomUUID } from 'node:crypto';

import { randomInt, type Random } from '../../lib/kernel/random.ts';
import type { FlatSource } from '../../lib/migration/ports.ts';
import { decodeKey, encodeKey } from '../../lib/migration/key.ts';
import type { KeyPart } from '../../lib/migration/row.ts';
import type { MigratedTable } from '../../lib/migration/table-lookup.ts';
import type { ApiRow } from '../hal9/api-row.ts';
import type { SampledRow } from './sample-rows.ts';

/** Columns, besides the key, that no two rows may share. */
const uniqueColumns = new Set(['id', 'email', 'token_hash', 'username', 'neuron_id']);

export interface NewRow {
  readonly id: string;
  readonly row: ApiRow;
}

/** A row like `sample` under a key of its own; `count` is unique within the run. */
export function newRowLike(sample: SampledRow, run: string, count: number): NewRow {
  const { table } = sample;
  const parts = decodeKey(sample.id).map((part, index, parts) =>
    index === parts.length - 1 ? newKeyPart(part, run, count) : part,
  );
  return rowUnder(table, sample.row, parts, { run, count });
}

/**
 * Links between ends that are not linked yet: the first key part of one row with the second of another, looked up in
 * the store so that users do not take an existing one for new. At most `limit`, of record type `connection`.
 */
export async function findFreeLinks(
  deps: { source: Pick<FlatSource, 'readCurrent'>; random: Random; run: string },
  samples: readonly SampledRow[],
  limit: number,
): Promise<readonly SampledRow[]> {
  const links = samples.filter(({ table }) => table.recordType === 'connection');
  const [first] = links;
  if (first === undefined) return [];
  const made = new Map<string, SampledRow>();
  for (let count = 0; count < limit; count += 1) {
    const row = newLink(links, deps.random, deps.run, count);
    if (row !== null) made.set(row.id, row);
  }
  const keys = [...made.keys()].map((id) => ({ recordType: first.table.recordType, id }));
  const { images } = await deps.source.readCurrent(first.table.category, keys);
  return images.flatMap(({ key, row }) => (row === null ? (made.get(key.id) ?? []) : []));
}

function newLink(
  links: readonly SampledRow[],
  random: Random,
  run: string,
  count: number,
): SampledRow | null {
  const from = links[randomInt(random, links.length)];
  const to = links[randomInt(random, links.length)];
  if (from === undefined || to === undefined) return null;
  const ends = decodeKey(to.id);
  const parts = decodeKey(from.id).map((part, index) => (index === 1 ? (ends[1] ?? part) : part));
  // Apart from the numbers that other new rows get.
  return { table: from.table, ...rowUnder(from.table, from.row, parts, { run: `${run}l`, count }) };
}

function rowUnder(
  table: MigratedTable,
  like: ApiRow,
  parts: readonly KeyPart[],
  unique: { readonly run: string; readonly count: number },
): NewRow {
  const keys = table.keyColumns.map((name, index) => [name, presentPart(parts[index] ?? '')]);
  const others = Object.entries(like).map(([name, value]) => [
    name,
    uniqueColumns.has(name) && typeof value === 'string' ? uniqueText(name, unique) : value,
  ]);
  return { id: encodeKey(parts), row: Object.fromEntries([...others, ...keys]) as ApiRow };
}

function uniqueText(name: string, { run, count }: { readonly run: string; readonly count: number }): string {
  return name === 'neuron_id' ? randomUUID() : `traffic-${run}-${count}`;
}

function newKeyPart(part: KeyPart, run: string, count: number): KeyPart {
  if (typeof part === 'bigint')
    return (BigInt(Number.parseInt(run, 36) % 1_000_000) + 1_000n) * 1_000_000n + BigInt(count);
  return uuid.test(part) ? randomUUID() : `traffic-${run}-${count}`;
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

function presentPart(part: KeyPart): unknown {
  return typeof part === 'bigint' ? Number(part) : part;
}
