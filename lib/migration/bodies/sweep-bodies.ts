import type { Clock } from '../../kernel/clock.ts';
import { HalError } from '../../kernel/errors.ts';
import { mapBounded } from '../../kernel/map-bounded.ts';
import { parseBodyName } from '../body-name.ts';
import type { BodyMark, BodyMarks, BodyObject, BodyObjects, NamedBodies } from './ports.ts';
import { bodyRetentionMs, lastSweptDay, unnamedForMs } from './retention.ts';
import { settleMark } from './settle-mark.ts';
import { positionSchema, type Position, type SweepReport } from './sweep-position.ts';

export interface SweepBodiesDeps {
  readonly objects: BodyObjects;
  readonly named: NamedBodies;
  readonly marks: BodyMarks;
  readonly clock: Clock;
  /** Of a sweep; no two are the same. */
  newId(): string;
  /** Told before the bodies are deleted. */
  onDelete(names: readonly string[]): Promise<void>;
  /** Milliseconds; for tests, which show what is lost without them. */
  readonly retentionMs?: number;
  readonly unnamedForMs?: number;
}

export interface SweepRequest {
  /** Changes nothing, and does not look at the items: no body comes to be named again. */
  readonly dryRun: boolean;
  readonly cursor: string | null;
}

export type SweepAnswer =
  | { readonly done: false; readonly cursor: string; readonly report: SweepReport }
  | { readonly done: true; readonly report: SweepReport };

/** Names of one page; what is deleted of them is one record of the audit log. */
const pageNames = 200;
const atOnce = 8;

/**
 * Deletes large bodies that nobody names any more. Bodies of days long past are marked; marks of those that an item of
 * the state table names are taken away; what is still marked after all items were looked at is named by nobody, and
 * never will be, since a put gives names of its own day. It is deleted by a later sweep, when also nobody is left who
 * read its name before. Works until `deadlineMs` and continues from the cursor; holds one page at a time; may be left,
 * repeated, or run twice at once. Throws HalError `StateTableEmpty`.
 */
export function makeSweepBodies(
  deps: SweepBodiesDeps,
): (request: SweepRequest, deadlineMs: number) => Promise<SweepAnswer> {
  return async ({ dryRun, cursor }, deadlineMs) => {
    let position: Position | null =
      cursor === null ? firstPosition(deps) : positionSchema.parse(JSON.parse(cursor));
    for (;;) {
      const { report }: Position = position;
      position = await step(deps, position, dryRun);
      if (position === null) return { done: true, report };
      if (deps.clock.nowMs() >= deadlineMs) {
        return { done: false, cursor: JSON.stringify(position), report: position.report };
      }
    }
  };
}

function firstPosition(deps: SweepBodiesDeps): Position {
  const startedAtMs = deps.clock.nowMs();
  const none = { objects: 0, bytes: 0 };
  const throughDay = lastSweptDay(startedAtMs, deps.retentionMs);
  const counts = { foreign: 0, items: 0, naming: 0, marked: 0, waiting: 0 };
  return {
    phase: 'list',
    sweepId: deps.newId(),
    startedAtMs,
    after: null,
    report: { throughDay, old: none, ...counts, deleted: none },
  };
}

/** null when there is nothing left to do. */
function step(deps: SweepBodiesDeps, position: Position, dryRun: boolean): Promise<Position | null> {
  if (position.phase === 'list') return listPage(deps, position, dryRun);
  return position.phase === 'scan' ? scanPage(deps, position) : settlePage(deps, position, dryRun);
}

async function listPage(deps: SweepBodiesDeps, position: Position, dryRun: boolean): Promise<Position> {
  const { report } = position;
  const listed = await deps.objects.list(position.after, pageNames);
  const days = listed.map(({ name }) => parseBodyName(name)?.day);
  const isLast = listed.length === 0 || days.some((day) => day !== undefined && day > report.throughDay);
  const old = listed.filter((object) => isOld(deps, position, object));
  if (!dryRun) {
    await deps.marks.add(
      old.map(({ name }) => name),
      position.sweepId,
    );
  }
  const counted = {
    ...report,
    old: old.reduce(added, report.old),
    foreign: report.foreign + days.filter((day) => day === undefined).length,
  };
  if (!isLast) return { ...position, after: listed.at(-1)?.name ?? null, report: counted };
  if (dryRun) return { ...position, phase: 'settle', after: null, report: counted };
  return { ...position, phase: 'scan', after: null, report: counted };
}

/** By its name and by the clock of the store: a writer whose clock is wrong gives a wrong day. */
function isOld(
  { retentionMs = bodyRetentionMs }: SweepBodiesDeps,
  { startedAtMs, report }: Position,
  { name, storedAtMs }: BodyObject,
): boolean {
  const parsed = parseBodyName(name);
  return parsed !== null && parsed.day <= report.throughDay && storedAtMs <= startedAtMs - retentionMs;
}

async function scanPage(deps: SweepBodiesDeps, position: Position): Promise<Position> {
  const { names, items, cursor } = await deps.named.scan(position.after);
  const old = names.filter((name) => (parseBodyName(name)?.day ?? '') <= position.report.throughDay);
  await deps.marks.remove([...new Set(old)]);
  const report = {
    ...position.report,
    items: position.report.items + items,
    naming: position.report.naming + old.length,
  };
  if (cursor !== null) return { ...position, after: cursor, report };
  if (report.items === 0 && report.old.objects > 0) throw stateTableEmpty(report);
  return { ...position, phase: 'settle', after: null, report };
}

async function settlePage(
  deps: SweepBodiesDeps,
  position: Position,
  dryRun: boolean,
): Promise<Position | null> {
  const page = await deps.marks.list(position.after, pageNames);
  const last = page.at(-1)?.name;
  if (last === undefined) return null;
  const due = position.startedAtMs - (deps.unnamedForMs ?? unnamedForMs);
  // A dry run has looked at no item.
  const sweepId = dryRun ? null : position.sweepId;
  const { wait = [], mark = [], due: unnamed = [] } = groupBy(page, { sweepId, due });
  const found = await mapBounded(unnamed, atOnce, ({ name }) => deps.objects.find(name));
  const deleted = found.filter((object) => object !== null).filter((object) => isOld(deps, position, object));
  if (!dryRun) {
    await mapBounded(mark, atOnce, (one) => deps.marks.setUnnamed(one, deps.clock.nowMs()));
    await deleteBodies(deps, deleted);
    // One whose object is not there, or not old, needs no mark: if ever, it will be marked anew.
    await deps.marks.remove(unnamed.map(({ name }) => name));
  }
  const report = {
    ...position.report,
    marked: position.report.marked + mark.length,
    waiting: position.report.waiting + wait.length,
    deleted: deleted.reduce(added, position.report.deleted),
  };
  return { ...position, after: last, report };
}

function groupBy(
  marks: readonly BodyMark[],
  about: Parameters<typeof settleMark>[1],
): Partial<Record<ReturnType<typeof settleMark>, readonly BodyMark[]>> {
  return Object.groupBy(marks, (mark) => settleMark(mark, about));
}

async function deleteBodies(deps: SweepBodiesDeps, bodies: readonly BodyObject[]): Promise<void> {
  if (bodies.length === 0) return;
  await deps.onDelete(bodies.map(({ name }) => name));
  await mapBounded(bodies, atOnce, ({ name }) => deps.objects.remove(name));
}

function added(sum: SweepReport['old'], { bytes }: { readonly bytes: number }): SweepReport['old'] {
  return { objects: sum.objects + 1, bytes: sum.bytes + bytes };
}

function stateTableEmpty({ old }: SweepReport): HalError {
  return new HalError({
    name: 'StateTableEmpty',
    message: `The state table holds no item at all, so that none of ${old.objects} large bodies is named: that is no reason to delete them.`,
    remedy: 'Look whether this is the deployment that you mean, and whether its state table was lost.',
    exit: 'conflict',
    facts: { objects: old.objects },
  });
}
