import type { AuditRecord } from '../../lib/audit/record.ts';
import type { StatePhaseReport } from '../../lib/orchestrator/operations/report-phase.ts';
import { checkpointTable, hashTable } from './checkpoint-views.ts';
import { titleOf } from './consistency-views.ts';
import { againstLines } from './limit-views.ts';
import { count, duration } from './quantities.ts';
import { renderTable } from './table.ts';
import { hanging } from './wrap.ts';

const outcomes: Readonly<Record<StatePhaseReport['outcome'], string>> = {
  'not-begun': 'nothing has been copied',
  'under-way': 'the copy is under way',
  copied: 'everything is copied, flat has authority over some of it',
  switched: 'the hierarchical side has authority; the phase is not marked complete',
  complete: 'complete',
};

/** The report as text, without colours: it is kept and sent. */
export function reportLines(
  report: StatePhaseReport,
  { detailed }: { detailed: boolean },
): readonly string[] {
  return [
    'State migration report',
    '',
    ...hanging('Outcome:         ', outcomes[report.outcome]),
    `Migration Start: ${moment(report.startedAtMs)}`,
    `Migration End:   ${moment(report.endedAtMs)}`,
    `Total Duration:  ${totalDuration(report)}`,
    `Report made:     ${moment(report.madeAtMs)}`,
    ...section('Records migrated', categoryLines(report)),
    ...section('Forecast and actual', report.forecast === null ? [] : againstLines(report.forecast)),
    ...section('Evidence of completion', evidenceLines(report)),
    ...section('Issues encountered, and their resolution', issueLines(report)),
    ...section('Checkpoints', checkpointLines(report, detailed)),
    ...section('Audit log', auditLines(report, detailed)),
  ];
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return ['', title, '-'.repeat(title.length), ...(lines.length === 0 ? ['none'] : lines)];
}

function moment(atMs: number | null): string {
  return atMs === null ? '-' : `${new Date(atMs).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

function totalDuration({ startedAtMs, endedAtMs, madeAtMs }: StatePhaseReport): string {
  if (startedAtMs === null) return '-';
  return `${duration((endedAtMs ?? madeAtMs) - startedAtMs)}${endedAtMs === null ? ' so far' : ''}`;
}

function categoryLines({ categories }: StatePhaseReport): readonly string[] {
  if (categories.length === 0) return [];
  const table = renderTable(categories, [
    { title: 'CATEGORY', value: ({ category }) => titleOf(category) },
    { title: 'WRITE MODE', value: ({ writeMode }) => writeMode },
    { title: 'ROWS', align: 'right', value: ({ rows }) => count(rows) },
    {
      title: 'COPIED',
      align: 'right',
      value: ({ copied, counts }) => (copied ? count(counts.read) : `${count(counts.read)}...`),
    },
    { title: 'QUAR.', align: 'right', value: ({ quarantined }) => count(quarantined) },
    {
      title: 'STALL',
      align: 'right',
      value: ({ stallMs }) => (stallMs === null ? '-' : duration(stallMs)),
    },
  ]);
  return table.split('\n');
}

function evidenceLines({ evidence }: StatePhaseReport): readonly string[] {
  if (evidence.length === 0) return ['not marked complete: hal9-migrate phase complete state-migration'];
  return evidence.flatMap(({ name, detail }) => hanging(`${name.padEnd(16)} `, detail));
}

function issueLines({ issues }: StatePhaseReport): readonly string[] {
  return issues.flatMap(({ open, what, resolution }) => [
    ...hanging(open ? 'open     ' : 'settled  ', what),
    ...hanging('         ', resolution),
  ]);
}

function checkpointLines({ checkpoints }: StatePhaseReport, detailed: boolean): readonly string[] {
  if (checkpoints.length === 0) return [];
  const hashes = checkpoints
    .filter((checkpoint) => detailed && checkpoint.hashes !== undefined)
    .flatMap((checkpoint) => ['', checkpoint.checkpointId, ...hashTable(checkpoint).split('\n')]);
  return [...checkpointTable(checkpoints).split('\n'), ...hashes];
}

function auditLines({ events, auditChain }: StatePhaseReport, detailed: boolean): readonly string[] {
  const chain =
    auditChain.kind === 'sound'
      ? `${count(auditChain.length)} records, each linked to the one before it`
      : `broken at record ${count(auditChain.atSequence)}: ${auditChain.why}`;
  return [chain, ...(detailed ? events.flatMap(eventLines) : [])];
}

function eventLines({ atMs, principal, action, facts }: AuditRecord): readonly string[] {
  const head = `${new Date(atMs).toISOString().slice(0, 19)}  ${action.padEnd(22)} `;
  const text = JSON.stringify(facts);
  const cut = text.length > longestFacts ? `${text.slice(0, longestFacts)}...` : text;
  return hanging(head, `${principal} ${cut}`, 110);
}

/** Characters; the document of `--json` has all of it. */
const longestFacts = 200;
