import * as z from 'zod/mini';

import type { Clock } from '../../kernel/clock.ts';
import type { Category } from '../category.ts';
import type { MigrationDefinition } from '../definition.ts';
import { decodeKey, encodeKey, recordPk } from '../key.ts';
import type { FlatSource, SourceImage, TargetStore } from '../ports.ts';
import type { FlatValue, KeyPart } from '../row.ts';
import { tableOf, tablesByType } from '../table-lookup.ts';
import { classifyDamage } from './classify-damage.ts';
import { rulesOf, type IntegrityRule, type ReferenceRule, type SequenceRule } from './rules.ts';

export interface CheckIntegrityDeps {
  readonly definition: MigrationDefinition;
  readonly source: FlatSource;
  readonly target: TargetStore;
  readonly clock: Clock;
}

const finding = z.object({ fault: z.string(), pk: z.string(), detail: z.string() });
type IntegrityFinding = z.infer<typeof finding>;

const reportSchema = z.object({
  /** Rows that rules looked at, and records of the target whose hashes were computed again. */
  scanned: z.object({ rows: z.int(), records: z.int() }),
  counts: z.record(z.string(), z.int()),
  /** The first hundred. */
  findings: z.array(finding),
});
export type IntegrityReport = z.infer<typeof reportSchema>;

export type IntegrityAnswer =
  | { readonly done: false; readonly cursor: string; readonly report: IntegrityReport }
  | { readonly done: true; readonly report: IntegrityReport };

const positionSchema = z.object({
  /** Index of the rule; the number of rules while the target is scanned. */
  rule: z.int(),
  after: z.nullable(z.string()),
  scan: z.nullable(z.string()),
  report: reportSchema,
});
type Position = z.infer<typeof positionSchema>;

const pageRows = 500;
const mostFindings = 100;

/**
 * Looks at what a comparison of the two sides cannot see: references to nothing, gaps in what must have none, and why
 * a record of the target is not what was written, in some of the categories. Works until `deadlineMs` and continues from the cursor.
 */
export function makeCheckIntegrity(
  deps: CheckIntegrityDeps,
): (categories: readonly Category[], cursor: string | null, deadlineMs: number) => Promise<IntegrityAnswer> {
  const { definition } = deps;
  return async (categories, cursor, deadlineMs) => {
    const rules = rulesOf(definition).filter(({ recordType }) =>
      categories.includes(tableOf(definition, recordType).category),
    );
    let position: Position | null = cursor === null ? first : positionSchema.parse(JSON.parse(cursor));
    for (;;) {
      const { report }: Position = position;
      const rule: IntegrityRule | undefined = rules[position.rule];
      const next: Position | null =
        rule === undefined
          ? await scanTarget(deps, categories, position)
          : await checkPage(deps, rule, position);
      if (next === null) return { done: true, report };
      position = next;
      if (deps.clock.nowMs() >= deadlineMs) {
        return { done: false, cursor: JSON.stringify(position), report: position.report };
      }
    }
  };
}

const first: Position = {
  rule: 0,
  after: null,
  scan: '',
  report: { scanned: { rows: 0, records: 0 }, counts: {}, findings: [] },
};

async function checkPage(
  deps: CheckIntegrityDeps,
  rule: IntegrityRule,
  position: Position,
): Promise<Position> {
  const after = position.after === null ? null : decodeKey(position.after);
  const page = await deps.source.readRange(rule.recordType, { after, upTo: null }, pageRows);
  const found =
    rule.kind === 'reference' ? await danglingOf(deps, rule, page.images) : gapsOf(rule, page.images, after);
  const report = withFindings(position.report, found, { rows: page.images.length, records: 0 });
  return page.nextAfter === null
    ? { ...position, rule: position.rule + 1, after: null, report }
    : { ...position, after: encodeKey(page.nextAfter), report };
}

async function danglingOf(
  { definition, source }: CheckIntegrityDeps,
  rule: ReferenceRule,
  images: readonly SourceImage[],
): Promise<readonly IntegrityFinding[]> {
  const wanted = new Map<string, KeyPart>();
  for (const { row } of images) {
    for (const name of rule.columns) {
      const value = row?.[name];
      if (typeof value === 'string' || typeof value === 'bigint') wanted.set(encodeKey([value]), value);
    }
  }
  const { category } = tableOf(definition, rule.toRecordType);
  const keys = [...wanted.keys()].map((id) => ({ recordType: rule.toRecordType, id }));
  const current = await source.readCurrent(category, keys);
  const there = new Set(current.images.filter(({ row }) => row !== null).map(({ key }) => key.id));
  return images.flatMap(({ key, row }) =>
    rule.columns
      .filter((name) => !isThere(row?.[name], there))
      .map((name) => ({
        fault: rule.fault,
        pk: recordPk(key),
        detail: `its ${name} is no ${rule.toRecordType} that there is`,
      })),
  );
}

function isThere(value: FlatValue | undefined, there: ReadonlySet<string>): boolean {
  return (typeof value === 'string' || typeof value === 'bigint') && there.has(encodeKey([value]));
}

/** Rows come in key order, so that a gap shows between one and the next, over pages too. */
function gapsOf(
  rule: SequenceRule,
  images: readonly SourceImage[],
  after: readonly KeyPart[] | null,
): readonly IntegrityFinding[] {
  const found: IntegrityFinding[] = [];
  let last = after?.[0] === rule.stream ? after[1] : undefined;
  for (const { key, keyParts } of images) {
    const [stream, sequence] = keyParts;
    if (stream !== rule.stream || typeof sequence !== 'bigint') continue;
    if (typeof last === 'bigint' && sequence !== last + 1n) {
      const detail = `${last + 1n} to ${sequence - 1n} are missing before it`;
      found.push({ fault: rule.fault, pk: recordPk(key), detail });
    }
    last = sequence;
  }
  return found;
}

async function scanTarget(
  deps: CheckIntegrityDeps,
  categories: readonly Category[],
  position: Position,
): Promise<Position | null> {
  if (position.scan === null) return null;
  const cursor = position.scan === '' ? null : position.scan;
  const page = await deps.target.scan({ segment: 0, segmentCount: 1, cursor, limit: pageRows });
  const known = tablesByType(deps.definition);
  // By the definition, not by the stored attribute, which may be what is damaged.
  const ours = page.records.filter(({ key, category }) =>
    categories.includes(known.get(key.recordType)?.category ?? category),
  );
  const found = ours.flatMap((record) => {
    const fault = classifyDamage(deps.definition, record);
    const { epoch, sequence } = record.version;
    return fault === null
      ? []
      : [{ fault, pk: recordPk(record.key), detail: `stored as version ${epoch}.${sequence}` }];
  });
  const scanned = { rows: 0, records: ours.length };
  return { ...position, scan: page.cursor, report: withFindings(position.report, found, scanned) };
}

function withFindings(
  report: IntegrityReport,
  found: readonly IntegrityFinding[],
  scanned: IntegrityReport['scanned'],
): IntegrityReport {
  const counts = { ...report.counts };
  for (const { fault } of found) counts[fault] = (counts[fault] ?? 0) + 1;
  return {
    scanned: {
      rows: report.scanned.rows + scanned.rows,
      records: report.scanned.records + scanned.records,
    },
    counts,
    findings: [...report.findings, ...found].slice(0, mostFindings),
  };
}
