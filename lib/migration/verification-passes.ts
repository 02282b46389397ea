import { decodeKey, encodeKey } from './key.ts';
import { beginCategory, closeRows, foldRows } from './fold-rows.ts';
import { foldRecords } from './fold-records.ts';
import type { JudgeKeysDeps } from './judge-keys.ts';
import { countStrangers, judgeNamed, judgeRecords, judgeRows, scopeOf } from './judge-pages.ts';
import type { QuarantineStore } from './ports.ts';
import type { RecordVersion } from './record.ts';
import { resolveOutdated } from './resolve-outdated.ts';
import { settleFold } from './settle-fold.ts';
import {
  agreedCounts,
  dropDigests,
  emptyFold,
  foldedCategory,
  type FoldedCategory,
  type StateFold,
} from './state-fold.ts';
import type { MigratedTable } from './table-lookup.ts';
import type { Position } from './verification-cursor.ts';
import { addAgreed, type VerificationReport } from './verification-report.ts';
import { inTurn, nothingFound, type PageResult, type ReportChange } from './verification-tally.ts';

export interface VerificationDeps extends JudgeKeysDeps {
  readonly quarantine: QuarantineStore;
  /** Keys of one page; default 500. */
  readonly pageSize?: number;
  /** Parts in which the target is scanned side by side; default 4. */
  readonly segmentCount?: number;
}

/** A page that has been read. */
interface Look {
  /** Where the next one begins. */
  readonly position: Position | null;
  readonly fold: StateFold;
  readonly judged: Promise<PageResult>;
}

interface Begun {
  readonly position: Position;
  readonly fold: StateFold;
  readonly deadlineMs: number;
}

type Tables = readonly MigratedTable[];
type At<Pass extends Position['pass']> = Extract<Position, { pass: Pass }>;

/** Does the next piece of work. */
export async function lookAt(deps: VerificationDeps, tables: Tables, begun: Begun): Promise<Look> {
  const { position, fold } = begun;
  switch (position.pass) {
    case 'begin':
      return begin(deps, tables);
    case 'fold-rows':
      return lookAtFoldedRows(deps, tables, position, fold);
    case 'fold-records':
      return lookAtFoldedRecords(deps, tables, position, begun);
    case 'settle':
      return settle(deps, fold);
    case 'changed':
      return lookAtChanged(deps, tables, position, fold);
    case 'rows':
      return lookAtRows(deps, tables, position, fold);
    case 'records':
      return lookAtRecords(deps, tables, position, fold);
    case 'quarantine':
      return tidyQuarantine(deps, tables, position, fold);
    default:
      return position satisfies never;
  }
}

function found(...changes: readonly ReportChange[]): Promise<PageResult> {
  return Promise.resolve({ atOnce: inTurn(changes), later: null });
}

async function begin(deps: VerificationDeps, tables: Tables): Promise<Look> {
  const cuts: Record<string, RecordVersion> = {};
  const categories: FoldedCategory[] = [];
  for (const category of new Set(tables.map((table) => table.category))) {
    const { folded, cut } = await beginCategory(deps, category);
    if (cut !== null) cuts[category] = cut;
    if (folded !== null) categories.push(folded);
  }
  const fold = emptyFold(categories);
  if (categories.length > 0) {
    const noted: ReportChange = (report) => ({ ...report, cuts });
    return { position: { pass: 'fold-rows', table: 0, after: null }, fold, judged: found(noted) };
  }
  fold.differing = new Set();
  return { position: { pass: 'rows', table: 0, after: null }, fold, judged: nothingFound };
}

async function lookAtFoldedRows(
  deps: VerificationDeps,
  tables: Tables,
  position: At<'fold-rows'>,
  fold: StateFold,
): Promise<Look> {
  const table = tables[position.table];
  if (table === undefined) {
    await closeRows(deps, fold);
    const cursors = Array.from({ length: deps.segmentCount ?? 4 }, () => null);
    return { position: { pass: 'fold-records', cursors }, fold, judged: nothingFound };
  }
  const next: Position = { pass: 'fold-rows', table: position.table + 1, after: null };
  if (foldedCategory(fold, table.category) === undefined)
    return { position: next, fold, judged: nothingFound };
  const after = position.after === null ? null : decodeKey(position.after);
  const page = await deps.source.readRange(table.recordType, { after, upTo: null }, deps.pageSize ?? 500);
  await foldRows(deps, fold, table, page);
  const { nextAfter, images } = page;
  return {
    position: nextAfter === null ? next : { ...position, after: encodeKey(nextAfter) },
    fold,
    judged: found((report) => withScanned(report, images.length, 0)),
  };
}

/** The segments run side by side: while the pages of one are folded, those of the others are on their way. */
async function lookAtFoldedRecords(
  deps: VerificationDeps,
  tables: Tables,
  position: At<'fold-records'>,
  { fold, deadlineMs }: Begun,
): Promise<Look> {
  const byType = new Map(tables.map((table) => [table.recordType, table]));
  const segmentCount = position.cursors.length;
  const changes: ReportChange[] = [];
  const readSegment = async (from: string | null, segment: number): Promise<string | null> => {
    let cursor = from;
    while (cursor !== segmentDone) {
      const limit = deps.pageSize ?? 1000;
      const page = await deps.target.scan({ segment, segmentCount, cursor, limit });
      cursor = page.cursor ?? segmentDone;
      const { strangers, folded, canary } = foldRecords(deps, fold, byType, page.records);
      changes.push(
        (report) => withCanary(withScanned(report, 0, folded), canary),
        countStrangers(deps, tables, strangers),
      );
      if (deps.clock.nowMs() >= deadlineMs) break;
    }
    return cursor;
  };
  const cursors = await Promise.all(position.cursors.map(readSegment));
  const isOver = cursors.every((cursor) => cursor === segmentDone);
  return {
    position: isOver ? { pass: 'settle' } : { pass: 'fold-records', cursors },
    fold,
    judged: found(...changes),
  };
}

const segmentDone = 'done';

async function settle(deps: VerificationDeps, fold: StateFold): Promise<Look> {
  const canary = await settleFold(deps.source, fold);
  const counted = fold.categories
    .filter(({ category }) => !fold.moved.has(category))
    .map(({ category }): ReportChange => {
      const counts = agreedCounts(fold, category);
      return (report) => addAgreed(report, category, counts);
    });
  const planted: ReportChange = (report) => withCanary(report, canary);
  dropDigests(fold);
  return { position: { pass: 'changed', from: 0 }, fold, judged: found(...counted, planted) };
}

async function lookAtChanged(
  deps: VerificationDeps,
  tables: Tables,
  { from }: At<'changed'>,
  fold: StateFold,
): Promise<Look> {
  const scope = scopeOf(tables, fold);
  const pks = [...fold.exact].slice(from, from + (deps.pageSize ?? 500));
  if (pks.length > 0) {
    const position: Position = { pass: 'changed', from: from + pks.length };
    return { position, fold, judged: judgeNamed(deps, scope, pks) };
  }
  const position: Position = scope.isEmpty
    ? { pass: 'quarantine', category: 0, cursor: null }
    : { pass: 'rows', table: 0, after: null };
  return { position, fold, judged: nothingFound };
}

async function lookAtRows(
  deps: VerificationDeps,
  tables: Tables,
  position: At<'rows'>,
  fold: StateFold,
): Promise<Look> {
  const table = tables[position.table];
  if (table === undefined) {
    return { position: { pass: 'records', cursor: null }, fold, judged: nothingFound };
  }
  const next: Position = { pass: 'rows', table: position.table + 1, after: null };
  const scope = scopeOf(tables, fold);
  if (fold.differing?.size === 0 && !scope.isUnfolded(table.category)) {
    return { position: next, fold, judged: nothingFound };
  }
  const after = position.after === null ? null : decodeKey(position.after);
  const page = await deps.source.readRange(table.recordType, { after, upTo: null }, deps.pageSize ?? 500);
  const { nextAfter } = page;
  return {
    position: nextAfter === null ? next : { ...position, after: encodeKey(nextAfter) },
    fold,
    judged: judgeRows(deps, scope, table, page),
  };
}

async function lookAtRecords(
  deps: VerificationDeps,
  tables: Tables,
  position: At<'records'>,
  fold: StateFold,
): Promise<Look> {
  const { cursor } = position;
  const limit = deps.pageSize ?? 500;
  const page = await deps.target.scan({ segment: 0, segmentCount: 1, cursor, limit });
  const judged = judgeRecords(deps, scopeOf(tables, fold), page.records);
  // With digests the strangers were counted while folding.
  const strangers = fold.categories.length > 0 ? [] : page.records;
  const counted = countStrangers(deps, tables, strangers);
  return {
    position:
      page.cursor === null
        ? { pass: 'quarantine', category: 0, cursor: null }
        : { pass: 'records', cursor: page.cursor },
    fold,
    judged: judged.then((result) => ({ ...result, atOnce: inTurn([counted, result.atOnce]) })),
  };
}

async function tidyQuarantine(
  deps: VerificationDeps,
  tables: Tables,
  position: At<'quarantine'>,
  fold: StateFold,
): Promise<Look> {
  const category = [...new Set(tables.map((table) => table.category))][position.category];
  if (category === undefined) return { position: null, fold, judged: nothingFound };
  const cursor = await resolveOutdated(deps, category, position.cursor);
  const next = cursor === null ? position.category + 1 : position.category;
  return { position: { pass: 'quarantine', category: next, cursor }, fold, judged: nothingFound };
}

function withScanned(report: VerificationReport, rows: number, records: number): VerificationReport {
  const { scanned } = report;
  return { ...report, scanned: { rows: scanned.rows + rows, records: scanned.records + records } };
}

function withCanary(
  report: VerificationReport,
  { planted, found: seen }: VerificationReport['canary'],
): VerificationReport {
  const { canary } = report;
  return { ...report, canary: { planted: canary.planted + planted, found: canary.found + seen } };
}
