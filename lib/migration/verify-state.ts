import * as z from 'zod/mini';

import { categories as allCategories, type Category } from './category.ts';
import { judgeImages, type JudgedKey, type JudgeKeysDeps } from './judge-keys.ts';
import { decodeKey, encodeKey } from './key.ts';
import { plantCanaries } from './planted-canary.ts';
import type { StoredRecord } from './record.ts';
import { tableOf, type MigratedTable } from './table-lookup.ts';
import { concludeReport, countVerdict, emptyReport, type VerificationReport } from './verification-report.ts';

export interface VerifyStateDeps extends JudgeKeysDeps {
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
 * have. Works until `deadlineMs` and continues from the cursor, which carries the counts.
 */
export function makeVerifyState(
  deps: VerifyStateDeps,
): (request: VerifyRequest, deadlineMs: number) => Promise<VerifyAnswer> {
  return async (request, deadlineMs) => {
    const tables = deps.definition.tables.filter(({ category }) => request.categories.includes(category));
    let state = request.cursor === null ? firstState(deps.clock.nowMs()) : decodeState(request.cursor);
    while (state.position !== null) {
      state = await step(deps, tables, { position: state.position, report: state.report });
      if (state.position !== null && deps.clock.nowMs() >= deadlineMs) {
        return { done: false, cursor: JSON.stringify(state), report: state.report };
      }
    }
    return { done: true, cursor: null, report: concludeReport(state.report, deps.clock.nowMs()) };
  };
}

const positionSchema = z.union([
  z.object({ pass: z.literal('rows'), table: z.int(), after: z.nullable(z.string()) }),
  z.object({ pass: z.literal('records'), cursor: z.nullable(z.string()) }),
]);

type Position = z.infer<typeof positionSchema>;

interface VerifyState {
  /** null when both passes are over. */
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

function step(
  deps: VerifyStateDeps,
  tables: readonly MigratedTable[],
  state: OpenState,
): Promise<VerifyState> {
  const { position, report } = state;
  if (position.pass === 'records') return verifyRecords(deps, tables, report, position.cursor);
  const table = tables[position.table];
  if (table === undefined) return Promise.resolve({ position: { pass: 'records', cursor: null }, report });
  return verifyRows(deps, table, report, position);
}

async function verifyRows(
  deps: VerifyStateDeps,
  table: MigratedTable,
  report: VerificationReport,
  position: Extract<Position, { pass: 'rows' }>,
): Promise<VerifyState> {
  const after = position.after === null ? null : decodeKey(position.after);
  const page = await deps.source.readRange(table.recordType, { after, upTo: null }, deps.pageSize ?? 500);
  const judged = await judgeImages(deps, table.category, page);
  let next: VerificationReport = {
    ...report,
    cuts: { [table.category]: page.lowWatermark, ...report.cuts },
    scanned: { ...report.scanned, rows: report.scanned.rows + page.images.length },
  };
  for (const result of judged) {
    // A row that vanished meanwhile is left to the second pass.
    if (result.image.row !== null) next = countVerdict(next, table.category, result.key, result.verdict);
  }
  next = withCanary(deps, next, table, judged);
  const { nextAfter } = page;
  return {
    position:
      nextAfter === null
        ? { pass: 'rows', table: position.table + 1, after: null }
        : { pass: 'rows', table: position.table, after: encodeKey(nextAfter) },
    report: next,
  };
}

/** One verified record of each page is damaged in memory and compared again. */
function withCanary(
  deps: VerifyStateDeps,
  report: VerificationReport,
  table: MigratedTable,
  judged: readonly JudgedKey[],
): VerificationReport {
  const verified = judged.find(({ verdict, stored }) => verdict === 'verified' && stored !== undefined);
  if (verified === undefined) return report;
  const { image, stored, authority } = verified;
  const nowMs = deps.clock.nowMs();
  const { planted, found } = plantCanaries({ row: image.row, stored }, table, { nowMs, authority });
  const { canary } = report;
  return { ...report, canary: { planted: canary.planted + planted, found: canary.found + found } };
}

async function verifyRecords(
  deps: VerifyStateDeps,
  tables: readonly MigratedTable[],
  report: VerificationReport,
  cursor: string | null,
): Promise<VerifyState> {
  const limit = deps.pageSize ?? 500;
  const page = await deps.target.scan({ segment: 0, segmentCount: 1, cursor, limit });
  const types = new Set(tables.map(({ recordType }) => recordType));
  const ours = page.records.filter(({ key }) => types.has(key.recordType));
  let next: VerificationReport = {
    ...report,
    scanned: { ...report.scanned, records: report.scanned.records + ours.length },
  };
  for (const [category, records] of groupByCategory(deps, ours)) {
    const keys = records.map(({ key }) => key);
    const present = await deps.source.readCurrent(category, keys);
    // Rows that flat has were compared in the first pass.
    const images = present.images.filter(({ row }) => row === null);
    const judged = await judgeImages(deps, category, { ...present, images });
    for (const { key, verdict, image } of judged) {
      if (image.row === null) next = countVerdict(next, category, key, verdict);
    }
  }
  return { position: page.cursor === null ? null : { pass: 'records', cursor: page.cursor }, report: next };
}

/** By the definition, not by the stored attribute, which may be what is damaged. */
function groupByCategory(
  deps: VerifyStateDeps,
  records: readonly StoredRecord[],
): ReadonlyMap<Category, readonly StoredRecord[]> {
  return Map.groupBy(records, ({ key }) => tableOf(deps.definition, key.recordType).category);
}
