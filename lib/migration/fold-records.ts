import { sha256Bytes } from '../kernel/sha256.ts';
import { addTerm, bucketOfHash } from './digest-cells.ts';
import { recordTerm } from './digest-term.ts';
import type { JudgeKeysDeps } from './judge-keys.ts';
import { recordPk } from './key.ts';
import { damagedCopies } from './planted-canary.ts';
import { isIntact } from './record-hash.ts';
import type { StoredRecord } from './record.ts';
import {
  countAgreed,
  foldedCategory,
  mostExactKeys,
  type FoldedCategory,
  type StateFold,
} from './state-fold.ts';
import type { MigratedTable } from './table-lookup.ts';

export interface RecordsFolded {
  readonly strangers: readonly StoredRecord[];
  readonly folded: number;
  readonly canary: { readonly planted: number; readonly found: number };
}

/**
 * Subtracts the records of one page and counts them, except those that changed since the rows were read: no key is
 * both counted here and judged by itself.
 */
export function foldRecords(
  deps: JudgeKeysDeps,
  fold: StateFold,
  tables: ReadonlyMap<string, MigratedTable>,
  records: readonly StoredRecord[],
): RecordsFolded {
  const nowMs = deps.clock.nowMs();
  const strangers: StoredRecord[] = [];
  let folded = 0;
  let canary = { planted: 0, found: 0 };
  for (const stored of records) {
    const table = tables.get(stored.key.recordType);
    const begun = table === undefined ? undefined : foldedCategory(fold, table.category);
    if (table === undefined || begun === undefined) {
      if (table === undefined) strangers.push(stored);
      continue;
    }
    folded += 1;
    if (isChanged(fold, begun, stored)) continue;
    const mayExpire = fold.expiring.has(stored.key.recordType);
    const context = { nowMs, authority: begun.authority, mayExpire };
    const term = recordTerm(stored, table, context);
    const keyHash = sha256Bytes(recordPk(stored.key));
    countAgreed(fold, bucketOfHash(keyHash), table.category, term?.verdict ?? 'tombstoned');
    if (term === null) continue;
    addTerm(fold.cells, keyHash, term.hash, -1);
    if (canary.planted > 0 || !stored.intact) continue;
    fold.sample = { keyHash: keyHash.toString('hex'), term: term.hash.toString('hex') };
    const damaged = damagedCopies(stored).map((copy) => ({ ...copy, intact: isIntact(copy) }));
    const seen = damaged.filter((copy) => recordTerm(copy, table, context)?.hash.equals(term.hash) !== true);
    canary = { planted: damaged.length, found: seen.length };
  }
  return { strangers, folded, canary };
}

/** Whether the key is judged by itself: it changed after the rows were read, or was seen to change before. */
function isChanged(fold: StateFold, begun: FoldedCategory, stored: StoredRecord): boolean {
  const pk = recordPk(stored.key);
  if (fold.exact.has(pk)) return true;
  // Damage is no change, whatever version it claims.
  if (!stored.intact || !isRecent(fold, begun, stored)) return false;
  // One that finds no room is folded: its bucket differs then.
  if (fold.exact.size >= mostExactKeys) return false;
  fold.exact.add(pk);
  return true;
}

function isRecent(fold: StateFold, begun: FoldedCategory, { version, origin }: StoredRecord): boolean {
  if (version.epoch > begun.epoch) return true;
  if (version.epoch < begun.epoch) return false;
  // Versions of the hierarchical authority count per key and tell nothing about the time.
  if (begun.authority === 'hierarchical') return origin === 'hierarchical';
  return version.sequence > (fold.closedAt[begun.category] ?? 0);
}
