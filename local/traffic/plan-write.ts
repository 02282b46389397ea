import { randomInt, type Random } from '../../lib/kernel/random.ts';
import type { ApiRow } from '../hal9/api-row.ts';
import type { Observed } from './history.ts';
import type { KeyPool, UserKey } from './key-pool.ts';
import { newRowLike } from './new-keys.ts';
import type { SampledRow } from './sample-rows.ts';
import { makeToken, observeRow, tokenColumnOf, withToken } from './token.ts';

export interface PlannedWrite {
  readonly key: UserKey;
  /** null deletes. */
  readonly row: ApiRow | null;
  readonly observed: Observed;
}

/** Rows that other rows refer to; users delete only those of their own making. */
const referred = new Set(['user', 'neuron']);

export interface WritePlanner {
  /** The next write; every other one goes to a row that existed before. undefined when all keys are busy. */
  next(): PlannedWrite | undefined;
}

/**
 * What users do to rows: change them, change them back to exactly what they were, delete and re-insert them, and
 * insert new ones, all record types in turn.
 */
export function makeWritePlanner(deps: {
  samples: readonly SampledRow[];
  /** Rows to insert for record types whose keys cannot be made up; used once each. */
  freeRows: readonly SampledRow[];
  pool: KeyPool;
  random: Random;
  run: string;
}): WritePlanner {
  const { pool, random, run } = deps;
  const byType = Map.groupBy(deps.samples, ({ table }) => table.recordType);
  const recordTypes = [...byType.keys()];
  const freeByType = Map.groupBy(deps.freeRows, ({ table }) => table.recordType);
  let count = 0;
  let turn = 0;

  for (const sample of deps.samples) {
    const isDeletable = !referred.has(sample.table.recordType);
    pool.add(newKey(sample, { existed: true, isDeletable }));
  }

  const insert = (recordType: string): PlannedWrite | undefined => {
    const samples = byType.get(recordType) ?? [];
    const sample = samples[randomInt(random, samples.length)];
    if (sample === undefined) return undefined;
    count += 1;
    const free = freeByType.get(recordType);
    const made = free === undefined ? { ...sample, ...newRowLike(sample, run, count) } : free.pop();
    if (made === undefined) return undefined;
    const key = newKey(made, { existed: false, isDeletable: true });
    pool.add(key);
    return change(key);
  };

  const change = (key: UserKey): PlannedWrite => {
    const column = tokenColumnOf(key.table);
    const isBack = column === null || (key.existed && key.isWritten && random.next() < 0.25);
    count += 1;
    const row = isBack ? key.template : withToken(column, key.template, makeToken(run, count));
    return { key, row, observed: observeRow(key.table, row) };
  };

  const changeOrDelete = (key: UserKey): PlannedWrite =>
    key.isDeletable && key.isPresent && random.next() < 0.2
      ? { key, row: null, observed: null }
      : change(key);

  return {
    next() {
      turn += 1;
      const recordType = recordTypes[(turn >> 1) % recordTypes.length];
      if (recordType === undefined) return undefined;
      if (turn % 2 === 0) {
        const existing = pool.chooseIdle('existing', recordType);
        return existing && changeOrDelete(existing);
      }
      const inserted = random.next() < 0.5 ? pool.chooseIdle('inserted', recordType) : undefined;
      return inserted ? changeOrDelete(inserted) : insert(recordType);
    },
  };
}

function newKey(sample: SampledRow, kind: { existed: boolean; isDeletable: boolean }): UserKey {
  return {
    table: sample.table,
    id: sample.id,
    pk: `${sample.table.recordType}/${sample.id}`,
    template: sample.row,
    ...kind,
    isPresent: kind.existed,
    isBusy: false,
    isWritten: false,
  };
}
