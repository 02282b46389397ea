import * as z from 'zod/mini';

import type { Category } from './category.ts';
import {
  judgeAgain,
  judgeImages,
  type ImageSnapshot,
  type JudgedKey,
  type JudgeKeysDeps,
} from './judge-keys.ts';
import { decodeKey, encodeKey } from './key.ts';
import type { QuarantineStore } from './ports.ts';
import { plantCanaries } from './planted-canary.ts';
import type { StoredRecord } from './record.ts';
import { resolveOutdated } from './resolve-outdated.ts';
import { categoriesOf, tableOf, type MigratedTable } from './table-lookup.ts';
import {
  concludeReport,
  countVerdicts,
  emptyReport,
  type VerificationReport,
} from './verification-report.ts';

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

/** Pages under way at once: enough to hide the reading of one behind the comparing of another. */
const pagesAtATime = 3;
/** Pages of which some keys wait for changes on their way; only those keys are held. */
const waitingPages = 20;

/** Pages in order until the deadline or the end; the report has all of them. */
async function verifySome(
  deps: VerifyStateDeps,
  tables: readonly MigratedTable[],
  begun: OpenState,
  deadlineMs: number,
): Promise<VerifyState> {
  let position: Position | null = begun.position;
  const tally = new Tally(begun.report);
  do {
    // The tidying looks at what the judging left: it comes after all of it.
    if (position.pass === 'quarantine') await tally.finish();
    const look: Look = await lookAt(deps, tables, position);
    ({ position } = look);
    await tally.add(look.judged);
  } while (position !== null && deps.clock.nowMs() < deadlineMs);
  return { position, report: await tally.finish() };
}

type ReportChange = (report: VerificationReport) => VerificationReport;

/** What one page adds to the report: at once, and after a second look at what differed. */
interface PageResult {
  readonly atOnce: ReportChange;
  readonly later: (() => Promise<ReportChange>) | null;
}

/** Collects the results of pages that are judged side by side; no more than a few are ever under way. */
class Tally {
  readonly #judging: Promise<PageResult>[] = [];
  readonly #waiting: Promise<ReportChange>[] = [];
  #report: VerificationReport;

  constructor(report: VerificationReport) {
    this.#report = report;
  }

  async add(page: Promise<PageResult>): Promise<void> {
    // One that fails is met when its turn comes; until then it must not count as unhandled.
    page.catch(() => undefined);
    this.#judging.push(page);
    await this.#settle(pagesAtATime - 1, waitingPages);
  }

  async finish(): Promise<VerificationReport> {
    await this.#settle(0, 0);
    return this.#report;
  }

  async #settle(mostJudging: number, mostWaiting: number): Promise<void> {
    for (let at = this.#judging.length; at > mostJudging; at -= 1) {
      const { atOnce, later } = await this.#judging.shift()!;
      this.#report = atOnce(this.#report);
      if (later === null) continue;
      const change = later();
      change.catch(() => undefined);
      this.#waiting.push(change);
    }
    for (let at = this.#waiting.length; at > mostWaiting; at -= 1) {
      this.#report = (await this.#waiting.shift()!)(this.#report);
    }
  }
}

/** A page that has been read. */
interface Look {
  /** Where the next one begins. */
  readonly position: Position | null;
  readonly judged: Promise<PageResult>;
}

const nothing: Promise<PageResult> = Promise.resolve({ atOnce: (report) => report, later: null });

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
  report: z.object({ outcome: z.string(), byCategory: z.record(z.string(), z.unknown()) }),
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
  if (table === undefined) return { position: { pass: 'records', cursor: null }, judged: nothing };
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
): Promise<PageResult> {
  const { category } = table;
  const { settled, unsettled } = await judgeImages(deps, category, page);
  // A row that vanished meanwhile is left to the second pass.
  const count = countJudged(deps, category, ({ image }) => image.row !== null);
  const counted = count(settled);
  const [rows, cut] = [page.images.length, page.lowWatermark];
  return {
    atOnce: (report) =>
      counted({
        ...report,
        cuts: { [category]: cut, ...report.cuts },
        scanned: { ...report.scanned, rows: report.scanned.rows + rows },
      }),
    later: unsettled.length === 0 ? null : () => judgeAgain(deps, category, unsettled).then(count),
  };
}

/** Adds those judged keys that the pass is about, with a canary, to a report; holds no rows meanwhile. */
function countJudged(
  deps: VerifyStateDeps,
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
  deps: VerifyStateDeps,
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
): Promise<PageResult> {
  const types = new Set(tables.map(({ recordType }) => recordType));
  const ours = records.filter(({ key }) => types.has(key.recordType));
  const strangers = strangersOf(deps, tables, records);
  const atOnce: ReportChange[] = [];
  const again: (() => Promise<ReportChange>)[] = [];
  for (const [category, ofCategory] of groupByCategory(deps, ours)) {
    const keys = ofCategory.map(({ key }) => key);
    const present = await deps.source.readCurrent(category, keys);
    // Rows that flat has were compared in the first pass.
    const images = present.images.filter(({ row }) => row === null);
    const { settled, unsettled } = await judgeImages(deps, category, { ...present, images });
    const count = countJudged(deps, category, ({ image }) => image.row === null);
    atOnce.push(count(settled));
    if (unsettled.length > 0) again.push(() => judgeAgain(deps, category, unsettled).then(count));
  }
  const scanned = ours.length;
  return {
    atOnce: (report) => {
      let next: VerificationReport = {
        ...report,
        scanned: { ...report.scanned, records: report.scanned.records + scanned },
      };
      for (const { key, category } of strangers) {
        next = countVerdicts(next, category, [{ key, verdict: 'extra' }]);
      }
      return inTurn(atOnce)(next);
    },
    later: again.length === 0 ? null : () => Promise.all(again.map((begin) => begin())).then(inTurn),
  };
}

function inTurn(changes: readonly ReportChange[]): ReportChange {
  return (report) => changes.reduce((next, change) => change(next), report);
}

async function tidyQuarantine(
  deps: VerifyStateDeps,
  tables: readonly MigratedTable[],
  position: Extract<Position, { pass: 'quarantine' }>,
): Promise<Look> {
  const category = [...new Set(tables.map((table) => table.category))][position.category];
  if (category === undefined) return { position: null, judged: nothing };
  const cursor = await resolveOutdated(deps, category, position.cursor);
  const next = cursor === null ? position.category + 1 : position.category;
  return { position: { pass: 'quarantine', category: next, cursor }, judged: nothing };
}

/** Records of no type that is migrated: nobody reads them, and nobody wrote them for the migration. */
function strangersOf(
  deps: VerifyStateDeps,
  tables: readonly MigratedTable[],
  records: readonly StoredRecord[],
): readonly Pick<StoredRecord, 'key' | 'category'>[] {
  const known = new Set(deps.definition.tables.map(({ recordType }) => recordType));
  const all = categoriesOf(deps.definition);
  const ours = tables.map(({ category }) => category);
  return records
    .filter(({ key }) => !known.has(key.recordType))
    .flatMap(({ key, category }) => {
      const named = all.includes(category) ? category : ours[0];
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
