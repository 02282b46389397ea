import { randomInt, type Random } from '../../lib/kernel/random.ts';
import type { MigratedTable } from '../../lib/migration/table-lookup.ts';
import type { ApiRow } from '../hal9/api-row.ts';

/** A key that users work on. */
export interface UserKey {
  readonly table: MigratedTable;
  readonly id: string;
  /** `recordType/id`, as in the history. */
  readonly pk: string;
  /** Content that writes start from. */
  readonly template: ApiRow;
  /** It was there before the users came. */
  readonly existed: boolean;
  /** Nothing else refers to it. */
  readonly isDeletable: boolean;
  isPresent: boolean;
  /** A write is under way; the next one waits for its end. */
  isBusy: boolean;
  isWritten: boolean;
}

export interface KeyPool {
  add(key: UserKey): void;
  /** A key without a write under way; undefined when chance finds none. */
  chooseIdle(kind: 'existing' | 'inserted', recordType: string): UserKey | undefined;
  /** A key for a read, most often one that was written lately. */
  chooseToRead(): UserKey | undefined;
  written(key: UserKey): void;
}

const recentKeys = 400;
const attempts = 8;
/** Inserted keys that are still worked on, by record type; older ones are left as they are. */
const maxInserted = 2_000;

export function makeKeyPool(random: Random): KeyPool {
  const pools = { existing: new Map<string, UserKey[]>(), inserted: new Map<string, UserKey[]>() };
  const all: UserKey[] = [];
  const recent: UserKey[] = [];
  let writes = 0;

  const poolOf = (kind: 'existing' | 'inserted', recordType: string): UserKey[] => {
    const pool = pools[kind].get(recordType) ?? [];
    pools[kind].set(recordType, pool);
    return pool;
  };
  const pick = (keys: readonly UserKey[]): UserKey | undefined => keys[randomInt(random, keys.length)];

  return {
    add(key) {
      if (key.existed) {
        all.push(key);
        poolOf('existing', key.table.recordType).push(key);
        return;
      }
      const pool = poolOf('inserted', key.table.recordType);
      if (pool.length < maxInserted) pool.push(key);
      else pool[randomInt(random, pool.length)] = key;
    },
    chooseIdle(kind, recordType) {
      const pool = poolOf(kind, recordType);
      for (let attempt = 0; attempt < attempts && pool.length > 0; attempt += 1) {
        const key = pick(pool);
        if (key !== undefined && !key.isBusy) return key;
      }
      return undefined;
    },
    chooseToRead: () => (recent.length > 0 && random.next() < 0.7 ? pick(recent) : pick(all)) ?? pick(recent),
    written(key) {
      recent[writes % recentKeys] = key;
      writes += 1;
    },
  };
}
