import { bucketOf } from './bucket.ts';
import type { Category } from './category.ts';
import {
  judgeAgain,
  judgeImages,
  type ImageSnapshot,
  type JudgedKey,
  type JudgeKeysDeps,
} from './judge-keys.ts';
import { keyOfPk, recordPk } from './key.ts';
import { plantCanaries } from './planted-canary.ts';
import type { StoredRecord } from './record.ts';
import type { RecordKey } from './row.ts';
import type { StateFold } from './state-fold.ts';
import { categoriesOf, tableOf, type MigratedTable } from './table-lookup.ts';
import { inTurn, type PageResult, type ReportChange } from './verification-tally.ts';
import { countVerdicts } from './verification-report.ts';

/** Which keys of the chosen tables are judged one by one, since no digest speaks for them. */
export interface Scope {
  readonly tables: ReadonlyMap<string, MigratedTable>;
  /** True when the digests say nothing about the whole category. */
  isUnfolded(category: Category): boolean;
  includes(key: RecordKey, category: Category): boolean;
  /** True when there is nothing to judge. */
  readonly isEmpty: boolean;
}

export function scopeOf(tables: readonly MigratedTable[], fold: StateFold): Scope {
  const folded = new Set(
    fold.categories.flatMap(({ category }) => (fold.moved.has(category) ? [] : [category])),
  );
  const differing = fold.differing ?? new Set();
  const isUnfolded = (category: Category): boolean => !folded.has(category);
  return {
    tables: new Map(tables.map((table) => [table.recordType, table])),
    isUnfolded,
    includes: (key, category) =>
      isUnfolded(category) || (differing.has(bucketOf(key)) && !fold.exact.has(recordPk(key))),
    isEmpty: differing.size === 0 && tables.every(({ category }) => folded.has(category)),
  };
}

/** Judges the rows of one page. A row that vanished meanwhile is left to the records. */
export async function judgeRows(
  deps: JudgeKeysDeps,
  scope: Scope,
  table: MigratedTable,
  page: ImageSnapshot,
): Promise<PageResult> {
  const { category } = table;
  const images = page.images.filter(({ key }) => scope.includes(key, category));
  const isCounted = scope.isUnfolded(category);
  const rows = isCounted ? page.images.length : 0;
  const judged = await judgeCounted(deps, category, { ...page, images }, ({ image }) => image.row !== null);
  const scanned: ReportChange = (report) => ({
    ...report,
    cuts: { [category]: page.lowWatermark, ...report.cuts },
    scanned: { ...report.scanned, rows: report.scanned.rows + rows },
  });
  return { atOnce: inTurn([scanned, judged.atOnce]), later: judged.later };
}

/** Judges keys that changed while the sides were folded, by their names. */
export async function judgeNamed(
  deps: JudgeKeysDeps,
  scope: Scope,
  pks: readonly string[],
): Promise<PageResult> {
  const keys = pks.map(keyOfPk).filter(({ recordType }) => {
    const table = scope.tables.get(recordType);
    // A category whose authority moved is judged as a whole.
    return table !== undefined && !scope.isUnfolded(table.category);
  });
  const results: PageResult[] = [];
  for (const [category, ofCategory] of groupByCategory(deps, keys)) {
    const present = await deps.source.readCurrent(category, ofCategory);
    results.push(await judgeCounted(deps, category, present, () => true));
  }
  return together(results);
}

/** Judges the records of one page that flat has no row of; those with a row are judged with the rows. */
export async function judgeRecords(
  deps: JudgeKeysDeps,
  scope: Scope,
  records: readonly StoredRecord[],
): Promise<PageResult> {
  const keys: RecordKey[] = [];
  let scanned = 0;
  for (const { key } of records) {
    const table = scope.tables.get(key.recordType);
    if (table === undefined) continue;
    if (scope.isUnfolded(table.category)) scanned += 1;
    if (scope.includes(key, table.category)) keys.push(key);
  }
  const results: PageResult[] = [];
  for (const [category, ofCategory] of groupByCategory(deps, keys)) {
    const present = await deps.source.readCurrent(category, ofCategory);
    const images = present.images.filter(({ row }) => row === null);
    results.push(await judgeCounted(deps, category, { ...present, images }, isWithoutRow));
  }
  const judged = together(results);
  const count: ReportChange = (report) => ({
    ...report,
    scanned: { ...report.scanned, records: report.scanned.records + scanned },
  });
  return { atOnce: inTurn([count, judged.atOnce]), later: judged.later };
}

function isWithoutRow({ image }: JudgedKey): boolean {
  return image.row === null;
}

/** Records of no type that is migrated: nobody reads them, and nobody wrote them for the migration. */
export function countStrangers(
  deps: JudgeKeysDeps,
  tables: readonly MigratedTable[],
  records: readonly StoredRecord[],
): ReportChange {
  const known = new Set(deps.definition.tables.map(({ recordType }) => recordType));
  const ours = tables.map(({ category }) => category);
  const all = categoriesOf(deps.definition);
  const strangers = records
    .filter(({ key }) => !known.has(key.recordType))
    .flatMap(({ key, category }) => {
      const named = all.includes(category) ? category : ours[0];
      return named !== undefined && ours.includes(named) ? [{ key, category: named }] : [];
    });
  return inTurn(
    strangers.map(
      ({ key, category }): ReportChange =>
        (report) =>
          countVerdicts(report, category, [{ key, verdict: 'extra' }]),
    ),
  );
}

async function judgeCounted(
  deps: JudgeKeysDeps,
  category: Category,
  snapshot: ImageSnapshot,
  isOurs: (judged: JudgedKey) => boolean,
): Promise<PageResult> {
  const { settled, unsettled } = await judgeImages(deps, category, snapshot);
  const count = countJudged(deps, category, isOurs);
  return {
    atOnce: count(settled),
    later: unsettled.length === 0 ? null : () => judgeAgain(deps, category, unsettled).then(count),
  };
}

/** Adds those judged keys that the pass is about, with a canary, to a report; holds no rows meanwhile. */
function countJudged(
  deps: JudgeKeysDeps,
  category: Category,
  isOurs: (judged: JudgedKey) => boolean,
): (judged: readonly JudgedKey[]) => ReportChange {
  return (judged) => {
    const verdicts = judged.filter(isOurs).map(({ key, verdict }) => ({ key, verdict }));
    const { planted, found } = canariesIn(deps, judged);
    return (report) => {
      const { canary } = report;
      const next = { ...report, canary: { planted: canary.planted + planted, found: canary.found + found } };
      return countVerdicts(next, category, verdicts);
    };
  };
}

/** One record of each page that was found in order is damaged in memory and compared again. */
function canariesIn(
  deps: JudgeKeysDeps,
  judged: readonly JudgedKey[],
): { readonly planted: number; readonly found: number } {
  const proper = ['verified', 'quarantined', 'tombstoned'];
  const sample = judged.find(({ verdict, stored }) => proper.includes(verdict) && stored !== undefined);
  if (sample === undefined) return { planted: 0, found: 0 };
  const { key, image, stored, authority } = sample;
  const table = tableOf(deps.definition, key.recordType);
  const nowMs = deps.clock.nowMs();
  return plantCanaries({ row: image.row, stored }, table, { nowMs, authority });
}

function together(results: readonly PageResult[]): PageResult {
  const later = results.flatMap((result) => (result.later === null ? [] : [result.later]));
  return {
    atOnce: inTurn(results.map(({ atOnce }) => atOnce)),
    later: later.length === 0 ? null : () => Promise.all(later.map((begin) => begin())).then(inTurn),
  };
}

/** By the definition, not by the stored attribute, which may be what is damaged. */
function groupByCategory(
  deps: JudgeKeysDeps,
  keys: readonly RecordKey[],
): ReadonlyMap<Category, readonly RecordKey[]> {
  return Map.groupBy(keys, ({ recordType }) => tableOf(deps.definition, recordType).category);
}
