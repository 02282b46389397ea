import type { Category } from '../category.ts';
import type { Verdict } from '../compare-record.ts';
import { recordTerm } from '../digest-term.ts';
import { judgeAgain, judgeImages, type JudgedKey, type JudgeKeysDeps } from '../judge-keys.ts';
import { keyOfPk, recordPk } from '../key.ts';
import type { RecordKey } from '../row.ts';
import { tableOf, tablesByType } from '../table-lookup.ts';
import { keptCategory, keptTerm, moveTerm, type KeptDigests } from './kept-digests.ts';

export interface JudgedSuspect {
  readonly key: RecordKey;
  readonly category: Category;
  readonly verdict: Verdict | 'pending';
}

export interface JudgedSuspects {
  readonly judged: readonly JudgedSuspect[];
  /** Rows and records that were read for it. */
  readonly rows: number;
  readonly records: number;
}

const pageSize = 500;

/** Judges keys one by one, as a complete comparison does, and settles those about which the sides agree after all. */
export async function judgeSuspects(
  deps: JudgeKeysDeps,
  digests: KeptDigests,
  suspects: readonly string[],
): Promise<JudgedSuspects> {
  const known = tablesByType(deps.definition);
  const judged: JudgedSuspect[] = [];
  const keys: RecordKey[] = [];
  for (const pk of suspects) {
    const key = keyOfPk(pk);
    const { category = '' } = digests.open.get(pk) ?? {};
    // A record that nobody migrates has no row to be compared with.
    if (known.has(key.recordType)) keys.push(key);
    else judged.push({ key, category, verdict: 'extra' });
  }
  const counter = { rows: 0, records: 0 };
  const counting = countReads(deps, counter);
  const byCategory = Map.groupBy(keys, ({ recordType }) => tableOf(deps.definition, recordType).category);
  for (const [category, ofCategory] of byCategory) {
    for (let from = 0; from < ofCategory.length; from += pageSize) {
      const results = await judgePage(counting, category, ofCategory.slice(from, from + pageSize));
      for (const result of results) settle(deps, digests, result);
      judged.push(...results.map(({ key, verdict }) => ({ key, category, verdict })));
    }
  }
  return { judged, ...counter };
}

async function judgePage(
  deps: JudgeKeysDeps,
  category: Category,
  keys: readonly RecordKey[],
): Promise<readonly JudgedKey[]> {
  const { settled, unsettled } = await judgeImages(
    deps,
    category,
    await deps.source.readCurrent(category, keys),
  );
  if (unsettled.length === 0) return settled;
  return [...settled, ...(await judgeAgain(deps, category, unsettled))];
}

/**
 * The sides agree. If the target's sum already has the record that was compared, flat's takes its term, and the key
 * is closed; if not, the stream is behind, and the key stays open until it is not. A key that is in no sum is dropped:
 * should its effect come by the stream later, it is judged again.
 */
function settle(deps: JudgeKeysDeps, digests: KeptDigests, { key, verdict, stored }: JudgedKey): void {
  if (verdict === 'pending' || verdict === 'mismatch' || verdict === 'missing' || verdict === 'extra') return;
  const pk = recordPk(key);
  const open = digests.open.get(pk);
  if (open === undefined) return;
  if (open.target !== undefined) {
    const table = tableOf(deps.definition, key.recordType);
    const authority = keptCategory(digests, open.category)?.authority ?? 'flat';
    const context = { nowMs: deps.clock.nowMs(), authority, mayExpire: true };
    const term = stored === undefined ? null : keptTerm(recordTerm(stored, table, context)?.hash);
    if (term !== open.target) return;
    moveTerm(digests.source, pk, open.source, open.target);
  }
  digests.open.delete(pk);
}

/** What a comparison reads is part of its report. */
function countReads(deps: JudgeKeysDeps, counter: { rows: number; records: number }): JudgeKeysDeps {
  const { source, target } = deps;
  return {
    ...deps,
    source: {
      ...source,
      readCurrent: (category, keys) => {
        counter.rows += keys.length;
        return source.readCurrent(category, keys);
      },
    },
    target: {
      ...target,
      read: (keys) => {
        counter.records += keys.length;
        return target.read(keys);
      },
    },
  };
}
