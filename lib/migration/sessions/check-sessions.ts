import * as z from 'zod/mini';

import { convertRow } from '../convert-image.ts';
import { judgeAgain, type JudgeKeysDeps } from '../judge-keys.ts';
import { decodeKey, encodeKey, recordPk } from '../key.ts';
import type { SourceImage } from '../ports.ts';
import type { RecordKey } from '../row.ts';
import type { MigratedTable } from '../table-lookup.ts';
import { judgeSession } from './judge-session.ts';
import { hasEnd } from './session-end.ts';

const reportSchema = z.object({
  /** Live on both sides with the same end. */
  live: z.int(),
  /** Live on neither. */
  over: z.int(),
  /** In quarantine: they cannot be converted, and the report of the quarantine names them. */
  quarantined: z.int(),
  pending: z.int(),
  counts: z.record(z.string(), z.int()),
  /** The first fifty. */
  findings: z.array(z.object({ fault: z.string(), pk: z.string() })),
});
export type SessionReport = z.infer<typeof reportSchema>;

export type SessionAnswer =
  | { readonly done: false; readonly cursor: string; readonly report: SessionReport }
  | { readonly done: true; readonly report: SessionReport };

const positionSchema = z.object({ table: z.int(), after: z.nullable(z.string()), report: reportSchema });
type Position = z.infer<typeof positionSchema>;

const pageRows = 500;
const mostFindings = 50;

const first: Position = {
  table: 0,
  after: null,
  report: { live: 0, over: 0, quarantined: 0, pending: 0, counts: {}, findings: [] },
};

/**
 * Every session: who was in before is in after, until the same instant, and who was not is not. Works until
 * `deadlineMs` and continues from the cursor. Reads only.
 */
export function makeCheckSessions(
  deps: JudgeKeysDeps,
): (cursor: string | null, deadlineMs: number) => Promise<SessionAnswer> {
  const tables = deps.definition.tables.filter(({ recordType }) => hasEnd(recordType));
  return async (cursor, deadlineMs) => {
    let position: Position = cursor === null ? first : positionSchema.parse(JSON.parse(cursor));
    for (;;) {
      const table = tables[position.table];
      if (table === undefined) return { done: true, report: position.report };
      position = await checkPage(deps, table, position);
      if (deps.clock.nowMs() >= deadlineMs) {
        return { done: false, cursor: JSON.stringify(position), report: position.report };
      }
    }
  };
}

async function checkPage(deps: JudgeKeysDeps, table: MigratedTable, position: Position): Promise<Position> {
  const after = position.after === null ? null : decodeKey(position.after);
  const page = await deps.source.readRange(table.recordType, { after, upTo: null }, pageRows);
  const report = structuredClone(position.report);
  const faulty = await judgeImages(deps, table, page.images, report, () => undefined);
  if (faulty.length > 0) await judgeFaulty(deps, table, faulty, report);
  return page.nextAfter === null
    ? { table: position.table + 1, after: null, report }
    : { ...position, after: encodeKey(page.nextAfter), report };
}

/** Counts what is as it should be, and gives back the keys of what is not. */
async function judgeImages(
  deps: JudgeKeysDeps,
  table: MigratedTable,
  images: readonly SourceImage[],
  report: SessionReport,
  onFault: (fault: string, pk: string) => void,
): Promise<readonly RecordKey[]> {
  const stored = await deps.target.read(images.map(({ key }) => key));
  const nowMs = deps.clock.nowMs();
  const faulty: RecordKey[] = [];
  for (const { key, row } of images) {
    if (row === null) continue;
    if (convertRow(row, table, nowMs).kind === 'rejected') {
      report.quarantined += 1;
      continue;
    }
    const verdict = judgeSession(row, stored.get(recordPk(key)), table, nowMs);
    if (verdict === 'live' || verdict === 'over') report[verdict] += 1;
    else {
      faulty.push(key);
      onFault(verdict, recordPk(key));
    }
  }
  return faulty;
}

/** What differed is looked at again: a change may have been on its way. */
async function judgeFaulty(
  deps: JudgeKeysDeps,
  table: MigratedTable,
  keys: readonly RecordKey[],
  report: SessionReport,
): Promise<void> {
  const judged = await judgeAgain(deps, table.category, keys);
  const pending = new Set(
    judged.filter(({ verdict }) => verdict === 'pending').map(({ key }) => recordPk(key)),
  );
  report.pending += pending.size;
  const rest = keys.filter((key) => !pending.has(recordPk(key)));
  const { images } = await deps.source.readCurrent(table.category, rest);
  await judgeImages(deps, table, images, report, (fault, pk) => {
    report.counts[fault] = (report.counts[fault] ?? 0) + 1;
    if (report.findings.length < mostFindings) report.findings.push({ fault, pk });
  });
}
