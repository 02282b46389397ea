import type { Category } from '../category.ts';
import type { MigrationDefinition } from '../definition.ts';
import { recordTerm, strangerTerm, type AgreedVerdict, type Term } from '../digest-term.ts';
import { recordPk } from '../key.ts';
import type { RecordOrigin, StoredRecord } from '../record.ts';
import { isCanary } from '../reverse-canary.ts';
import { tablesByType, type MigratedTable } from '../table-lookup.ts';
import {
  keptCategory,
  keptTerm,
  moveTerm,
  setOpen,
  type KeptDigests,
  type KeptTerm,
} from './kept-digests.ts';
import type { StreamChange, StreamPage } from './ports.ts';

/** What one image says of its key. */
interface Said {
  readonly term: KeptTerm;
  /** How the record is counted; undefined when there is none, or none that is migrated. */
  readonly counted: AgreedVerdict | undefined;
}

const nothing: Said = { term: null, counted: undefined };

/**
 * Folds one page of the stream into the target's sums. Streams deliver at least once: what a shard's position says is
 * folded is left out, so that no change counts twice. Sums and position go into one save. Returns what was folded.
 */
export function foldStream(
  definition: MigrationDefinition,
  digests: KeptDigests,
  page: StreamPage,
  nowMs: number,
): readonly StreamChange[] {
  const folded = new Map(
    Object.entries(digests.position).map(([shardId, shard]) => [shardId, shard.folded] as const),
  );
  const tables = tablesByType(definition);
  const fresh: StreamChange[] = [];
  for (const change of page.changes) {
    const last = folded.get(change.shardId) ?? null;
    if (last !== null && BigInt(change.sequence) <= BigInt(last)) continue;
    folded.set(change.shardId, change.sequence);
    fresh.push(change);
    foldChange(digests, tables, change, nowMs);
  }
  digests.position = Object.fromEntries(
    Object.entries(page.position).map(([shardId, shard]) => [
      shardId,
      { ...shard, folded: folded.get(shardId) ?? null },
    ]),
  );
  return fresh;
}

function foldChange(
  digests: KeptDigests,
  tables: ReadonlyMap<string, MigratedTable>,
  change: StreamChange,
  nowMs: number,
): void {
  const { before, after, expired } = change;
  const record = after ?? before;
  if (record === null || isCanary(record.key)) return;
  const table = tables.get(record.key.recordType);
  const category = table?.category ?? record.category;
  const kept = keptCategory(digests, category) ?? (table === undefined ? digests.categories[0] : undefined);
  if (kept === undefined) return;
  const context = { nowMs, authority: kept.authority };
  const was = said(before, table, context);
  const is = said(after, table, context);
  kept.counts = recount(kept.counts, was.counted, is.counted);
  foldTarget(
    digests,
    { pk: recordPk(record.key), category: kept.category, after, expired },
    was.term,
    is.term,
  );
}

function foldTarget(
  digests: KeptDigests,
  change: { readonly pk: string; readonly category: Category } & Pick<StreamChange, 'after' | 'expired'>,
  was: KeptTerm,
  is: KeptTerm,
): void {
  const { pk, category, after, expired } = change;
  moveTerm(digests.target, pk, was, is);
  const open = digests.open.get(pk);
  const seen = after?.version ?? null;
  digests.shown.set(pk, { term: is, seen });
  if (open === undefined) {
    // The sides agreed before this change, so flat says what the target said.
    const source = expired ? is : was;
    moveTerm(digests.source, pk, was, source);
    setOpen(digests, pk, { category, source, expected: null, target: is, seen });
    return;
  }
  if (open.target === undefined) moveTerm(digests.source, pk, was, open.source);
  else if (open.target !== was) digests.isTorn = true;
  setOpen(digests, pk, { ...open, target: is, seen });
}

function said(
  record: StoredRecord | null,
  table: MigratedTable | undefined,
  context: { readonly nowMs: number; readonly authority: RecordOrigin },
): Said {
  if (record === null) return nothing;
  if (table === undefined) return { term: keptTerm(strangerTerm(record.key).hash), counted: undefined };
  const term: Term | null = recordTerm(record, table, { ...context, mayExpire: true });
  return { term: keptTerm(term?.hash), counted: term?.verdict ?? 'tombstoned' };
}

function recount(
  counts: Readonly<Record<AgreedVerdict, number>>,
  was: AgreedVerdict | undefined,
  is: AgreedVerdict | undefined,
): Readonly<Record<AgreedVerdict, number>> {
  if (was === is) return counts;
  const next = { ...counts };
  if (was !== undefined) next[was] -= 1;
  if (is !== undefined) next[is] += 1;
  return next;
}
