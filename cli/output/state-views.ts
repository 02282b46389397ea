import type { CategoryStatus } from '../../lib/migration/state-status.ts';
import type { CopyProgress } from '../../lib/migration/state-description.ts';
import {
  totalOf,
  type CategoryVerification,
  type VerificationReport,
} from '../../lib/migration/verification-report.ts';
import { count, duration } from './quantities.ts';
import { renderTable, type Column } from './table.ts';
import { paint } from './terminal.ts';

const barWidth = 24;

/** `████░░░░  42 %  8,400 of 20,000 rows  1,950/s  ETA 6s` */
export function copyLine(progress: CopyProgress, rowsPerSecond: number): string {
  const ratio = progress.rows === 0 ? 1 : Math.min(1, progress.copiedRows / progress.rows);
  const filled = Math.round(ratio * barWidth);
  const bar = '█'.repeat(filled) + '░'.repeat(barWidth - filled);
  const left = progress.rows - progress.copiedRows;
  const eta = rowsPerSecond > 0 && left > 0 ? `ETA ${duration((left / rowsPerSecond) * 1000)}` : '';
  const percent = `${Math.floor(ratio * 100)} %`.padStart(5);
  const rows = `${count(progress.copiedRows)} of ${count(progress.rows)} rows`;
  return [bar, percent, rows, `${count(rowsPerSecond)}/s`, eta].filter((part) => part !== '').join('  ');
}

export function statusTable(statuses: readonly CategoryStatus[]): string {
  return renderTable(statuses, [
    { title: 'CATEGORY', value: ({ category }) => category },
    { title: 'AUTHORITY', value: authorityText },
    { title: 'ROWS', align: 'right', value: ({ rows }) => count(rows) },
    { title: 'COPIED', align: 'right', value: copiedText },
    { title: 'LAG', align: 'right', value: lagText },
    { title: 'TO FLAT', align: 'right', value: ({ reversePending }) => count(reversePending) },
    { title: 'QUAR.', align: 'right', value: ({ quarantined }) => count(quarantined) },
  ]);
}

function authorityText({ authority, switch: last }: CategoryStatus): string {
  if (last !== null && last.stage !== 'done' && last.stage !== 'aborted')
    return `→ ${last.to} (${last.stage})`;
  const side = authority.state === 'following' ? 'hierarchical' : 'flat';
  return `${side} #${authority.epoch}`;
}

function copiedText({ backfill }: CategoryStatus): string {
  if (backfill.plannedRanges === 0) return '-';
  return backfill.complete
    ? '100 %'
    : `${Math.floor((backfill.completeRanges / backfill.plannedRanges) * 100)} %`;
}

function lagText({ relay }: CategoryStatus): string {
  return count(Math.max(0, relay.lastSequence - relay.appliedThrough));
}

type VerificationRow = CategoryVerification & { readonly name: string };

const shortTitles: Readonly<Record<string, string>> = {
  mismatches: 'MISMATCH',
  quarantined: 'QUAR.',
  tombstoned: 'TOMB.',
  pending: 'PEND.',
};

const verificationColumns: readonly Column<VerificationRow>[] = [
  { title: 'CATEGORY', value: ({ name }) => name },
  ...(
    ['total', 'verified', 'mismatches', 'missing', 'extra', 'quarantined', 'tombstoned', 'pending'] as const
  ).map((field): Column<VerificationRow> => ({
    title: shortTitles[field] ?? field.toUpperCase(),
    align: 'right',
    value: (row) => count(row[field]),
  })),
];

export function verificationTable(report: Pick<VerificationReport, 'byCategory'>): string {
  const rows: VerificationRow[] = Object.entries(report.byCategory).map(([name, counts]) => ({
    name,
    ...counts,
  }));
  return renderTable([...rows, { name: 'total', ...totalOf(report) }], verificationColumns);
}

/** One sentence that says what the verification proved, and how much it looked at. */
export function verificationVerdict(report: VerificationReport): string {
  const scanned = `${count(report.scanned.rows)} rows and ${count(report.scanned.records)} records compared`;
  const canary = `${report.canary.found} of ${report.canary.planted} planted differences found`;
  const verdicts: Readonly<Record<VerificationReport['outcome'], string>> = {
    verified: paint('good', equalText(totalOf(report).quarantined)),
    differences: paint('bad', 'The two sides differ'),
    pending: paint('warn', 'Some records are still on their way'),
    unproven: paint('bad', 'Nothing was proven'),
  };
  return `${verdicts[report.outcome]}: ${scanned}, ${canary}.`;
}

function equalText(quarantined: number): string {
  if (quarantined === 0) return 'Every record is equal on both sides';
  return `Every record is equal on both sides but ${count(quarantined)} in quarantine`;
}
