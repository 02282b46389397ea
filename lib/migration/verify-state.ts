import * as z from 'zod/mini';

import { categories as allCategories, type Category } from './category.ts';
import { judgeImages, type ImageSnapshot, type JudgedKey, type JudgeKeysDeps } from './judge-keys.ts';
import { decodeKey, encodeKey } from './key.ts';
import type { QuarantineStore } from './ports.ts';
import { plantCanaries } from './planted-canary.ts';
import type { StoredRecord } from './record.ts';
import { resolveOutdated } from './resolve-outdated.ts';
import { tableOf, type MigratedTable } from './table-lookup.ts';
import { concludeReport, countVerdict, emptyReport, type VerificationReport } from './verification-report.ts';

export interface VerifyStateDeps extends JudgeKeysDeps {
  readonly quarantine: QuarantineStore;
  /** Keys of one page; default 500. */
  readonly pageSize?: number;
}

export interface VerifyRequest {
  readonly categories: readonly Category[];
  /** From the answer before; null begins a new verification. */
  readonly cursor: string | null;
}

export interface VerifyAnswer {
  readonly done: boolean;
  readonly cursor: string | null;
  /** Complete only when `done`. */
  readonly report: VerificationReport;
}

/**
 * Compares both sides completely: first every row of flat, then every record of the target for what flat does not
 * have; last it tidies quarantine entries whose record got over its fault. Works until `deadlineMs` and continues from the cursor, which carries the counts.
 */
export function makeVerifyState(
  deps: VerifyStateDeps,
): (request: VerifyRequest, deadlineMs: number) => Promise<VerifyAnswer> {
  return async (request, deadlineMs) => {
    const tables = deps.definition.tables.filter(({ category }) => request.categories.includes(category));
    let state = request.cursor === null ? firstState(deps.clock.nowMs()) : decodeState(request.cursor);
    while (state.position !== null) {
      state = await verifySome(deps, tables, { position: state.position, report: state.report }, deadlineMs);
      if (state.position !== null && deps.clock.nowMs() >= deadlineMs) {
        return { done: false, cursor: JSON.stringify(state), report: state.report };
      }
    }
    return { done: true, cursor: null, report: concludeReport(state.report, deps.clock.nowMs()) };
  };
}

/** Pages that are judged at the same time: most of the judging is waiting for changes that are on their way. */
const pagesAtATime = 10;

/** Pages in order until the deadline or the end; the report has all of them. */
async function verifySome(
  deps: VerifyStateDeps,
  tables: readonly MigratedTable[],
  begun: OpenState,
  deadlineMs: number,
): Promise<VerifyState> {
  let position: Position | null = begun.position;
  let { report } = begun;
  const open: Promise<ReportChange>[] = [];
  do {
    // The tidying looks at what the judging left: it comes after all of it.
    if (position.pass === 'quarantine') {
      for (const judged of open.splice(0)) report = (await judged)(report);
    }
    const look: Look = await lookAt(deps, tables, position);
    // One that fails is met below; until then it must not count as unhandled.
    look.judged.catch(() => undefined);
    open.push(look.judged);
    ({ position } = look);
    const oldest = open.length >= pagesAtATime ? open.shift() : undefined;
    if (oldest !== undefined) report = (await oldest)(report);
  } while (position !== null && deps.clock.nowMs() < deadlineMs);
  for (const judged of open) report = (await judged)(report);
  return { position, report };
}

type ReportChange = (report: VerificationReport) => VerificationReport;

/** A page that has been read. */
interface Look {
  /** Where the next one begins. */
  readonly position: Position | null;
  readonly judged: Promise<ReportChange>;
}

const unchanged: Promise<ReportChange> = Promise.resolve((report) => report);

const positionSchema = z.union([
  z.object({ pass: z.literal('rows'), table: z.int(), after: z.nullable(z.string()) }),
  z.object({ pass: z.literal('records'), cursor: z.nullable(z.string()) }),
  z.object({ pass: z.literal('quarantine'), category: z.int(), cursor: z.nullable(z.string()) }),
]);

type Position = z.infer<typeof positionSchema>;

interface VerifyState {
  /** null when every pass is over. */
  readonly position: Position | null;
  readonly report: VerificationReport;
}

/** Our own text; only its frame is checked, since nobody else writes it. */
const stateSchema = z.object({
  position: positionSchema,
  report: z.object({ outcome: z.string(), byCategory: z.partialRecord(z.enum(allCategories), z.unknown()) }),
});

function decodeState(cursor: string): VerifyState {
  const text: unknown = JSON.parse(cursor);
  stateSchema.parse(text);
  return text as VerifyState;
}

function firstState(nowMs: number): VerifyState {
  return { position: { pass: 'rows', table: 0, after: null }, report: emptyReport(nowMs) };
}

interface OpenState extends VerifyState {
  readonly position: Position;
}

async function lookAt(
  deps: VerifyStateDeps,
  tables: readonly MigratedTable[],
  position: Position,
): Promise<Look> {
  if (position.pass === 'records') return lookAtRecords(deps, tables, position.cursor);
  if (position.pass === 'quarantine') return tidyQuarantine(deps, tables, position);
  const table = tables[position.table];
  if (table === undefined) return { position: { pass: 'records', cursor: null }, judged: unchanged };
  return lookAtRows(deps, table, position);
}

async function lookAtRows(
  deps: VerifyStateDeps,
  table: MigratedTable,
  position: Extract<Position, { pass: 'rows' }>,
): Promise<Look> {
  const after = position.after === null ? null : decodeKey(position.after);
  const page = await deps.source.readRange(table.recordType, { after, upTo: null }, deps.pageSize ?? 500);
  const { nextAfter } = page;
  return {
    position:
      nextAfter === null
        ? { pass: 'rows', table: position.table + 1, after: null }
        : { pass: 'rows', table: position.table, after: encodeKey(nextAfter) },
    judged: judgeRows(deps, table, page),
  };
}

async function judgeRows(
  deps: VerifyStateDeps,
  table: MigratedTable,
  page: ImageSnapshot,
): Promise<ReportChange> {
  const judged = await judgeImages(deps, table.category, page);
  return (report) => {
    let next: VerificationReport = {
      ...report,
      cuts: { [table.category]: page.lowWatermark, ...report.cuts },
      scanned: { ...report.scanned, rows: report.scanned.rows + page.images.length },
    };
    for (const result of judged) {
      // A row that vanished meanwhile is left to the second pass.
      if (result.image.row !== null) next = countVerdict(next, table.category, result.key, result.verdict);
    }
    return withCanary(deps, next, judged);
  };
}

/** One record of each page that was found in order is damaged in memory and compared again. */
function withCanary(
  deps: VerifyStateDeps,
  report: VerificationReport,
  judged: readonly JudgedKey[],
): VerificationReport {
  const proper = ['verified', 'quarantined', 'tombstoned'];
  const sample = judged.find(({ verdict, stored }) => proper.includes(verdict) && stored !== undefined);
  if (sample === undefined) return report;
  const { key, image, stored, authority } = sample;
  const table = tableOf(deps.definition, key.recordType);
  const nowMs = deps.clock.nowMs();
  const { planted, found } = plantCanaries({ row: image.row, stored }, table, { nowMs, authority });
  const { canary } = report;
  return { ...report, canary: { planted: canary.planted + planted, found: canary.found + found } };
}

async function lookAtRecords(
  deps: VerifyStateDeps,
  tables: readonly MigratedTable[],
  cursor: string | null,
): Promise<Look> {
  const limit = deps.pageSize ?? 500;
  const page = await deps.target.scan({ segment: 0, segmentCount: 1, cursor, limit });
  return {
    position:
      page.cursor === null
        ? { pass: 'quarantine', category: 0, cursor: null }
        : { pass: 'records', cursor: page.cursor },
    judged: judgeRecords(deps, tables, page.records),
  };
}

async function judgeRecords(
  deps: VerifyStateDeps,
  tables: readonly MigratedTable[],
  records: readonly StoredRecord[],
): Promise<ReportChange> {
  const types = new Set(tables.map(({ recordType }) => recordType));
  const ours = records.filter(({ key }) => types.has(key.recordType));
  const judged = new Map<Category, readonly JudgedKey[]>();
  for (const [category, ofCategory] of groupByCategory(deps, ours)) {
    const keys = ofCategory.map(({ key }) => key);
    const present = await deps.source.readCurrent(category, keys);
    // Rows that flat has were compared in the first pass.
    const images = present.images.filter(({ row }) => row === null);
    judged.set(category, await judgeImages(deps, category, { ...present, images }));
  }
  return (report) => {
    let next: VerificationReport = {
      ...report,
      scanned: { ...report.scanned, records: report.scanned.records + ours.length },
    };
    for (const { key, category } of strangersOf(deps, tables, records)) {
      next = countVerdict(next, category, key, 'extra');
    }
    for (const [category, results] of judged) {
      for (const { key, verdict, image } of results) {
        if (image.row === null) next = countVerdict(next, category, key, verdict);
      }
      next = withCanary(deps, next, results);
    }
    return next;
  };
}

async function tidyQuarantine(
  deps: VerifyStateDeps,
  tables: readonly MigratedTable[],
  position: Extract<Position, { pass: 'quarantine' }>,
): Promise<Look> {
  const category = [...new Set(tables.map((table) => table.category))][position.category];
  if (category === undefined) return { position: null, judged: unchanged };
  const cursor = await resolveOutdated(deps, category, position.cursor);
  const next = cursor === null ? position.category + 1 : position.category;
  return { position: { pass: 'quarantine', category: next, cursor }, judged: unchanged };
}

/** Records of no type that is migrated: nobody reads them, and nobody wrote them for the migration. */
function strangersOf(
  deps: VerifyStateDeps,
  tables: readonly MigratedTable[],
  records: readonly StoredRecord[],
): readonly Pick<StoredRecord, 'key' | 'category'>[] {
  const known = new Set(deps.definition.tables.map(({ recordType }) => recordType));
  const ours = tables.map(({ category }) => category);
  return records
    .filter(({ key }) => !known.has(key.recordType))
    .flatMap(({ key, category }) => {
      const named = allCategories.includes(category) ? category : ours[0];
      return named !== undefined && ours.includes(named) ? [{ key, category: named }] : [];
    });
}

/** By the definition, not by the stored attribute, which may be what is damaged. */
function groupByCategory(
  deps: VerifyStateDeps,
  records: readonly StoredRecord[],
): ReadonlyMap<Category, readonly StoredRecord[]> {
  return Map.groupBy(records, ({ key }) => tableOf(deps.definition, key.recordType).category);
}
