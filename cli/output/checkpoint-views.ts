import type { BackupVerification } from '../../lib/migration/backup/verify-backup.ts';
import type { RestoreCounts } from '../../lib/migration/backup/restore-backup.ts';
import type { Checkpoint } from '../../lib/orchestrator/checkpoint.ts';
import type { QuarantineEntry } from '../../lib/migration/ports.ts';
import { recordPk } from '../../lib/migration/key.ts';
import { count, duration } from './quantities.ts';
import { renderTable } from './table.ts';
import { paint } from './terminal.ts';

const barWidth = 24;

/** `████░░░░  42 %  8,400 of 20,000 records  1,950/s  ETA 6s` */
export function recordsLine(done: number, total: number, elapsedMs: number): string {
  const ratio = total === 0 ? 1 : Math.min(1, done / total);
  const filled = Math.round(ratio * barWidth);
  const rate = done / Math.max(0.001, elapsedMs / 1000);
  const left = Math.max(0, total - done);
  const eta = rate > 0 && left > 0 ? `ETA ${duration((left / rate) * 1000)}` : '';
  return [
    '█'.repeat(filled) + '░'.repeat(barWidth - filled),
    `${Math.floor(ratio * 100)} %`.padStart(5),
    `${count(done)} of ${count(total)} records`,
    `${count(rate)}/s`,
    eta,
  ]
    .filter((part) => part !== '')
    .join('  ');
}

export function bytes(value: number): string {
  if (value < 1024) return `${value} B`;
  const units = ['KB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length, Math.floor(Math.log2(value) / 10));
  return `${Number((value / 1024 ** power).toFixed(1))} ${units[power - 1] ?? ''}`;
}

export function checkpointTable(checkpoints: readonly Checkpoint[]): string {
  return renderTable(checkpoints, [
    { title: 'ID', value: ({ checkpointId }) => checkpointId },
    { title: 'PHASE', value: ({ phase }) => phase },
    { title: 'KIND', value: ({ kind }) => kind },
    { title: 'BACKUP', value: ({ backup }) => (backup === undefined ? '-' : bytes(backup.bytes)) },
    { title: 'BY', value: ({ createdBy }) => createdBy.replace(/^run .*/, 'run') },
  ]);
}

export function hashTable({ hashes = [] }: Checkpoint): string {
  return renderTable(hashes, [
    { title: 'CATEGORY', value: ({ category }) => category },
    { title: 'AUTHORITY', value: ({ authority, epoch }) => `${authority} #${epoch}` },
    { title: 'ROWS', align: 'right', value: ({ rows }) => count(rows) },
    { title: 'CUT', align: 'right', value: ({ cut }) => (cut === null ? '-' : count(cut.sequence)) },
    { title: 'SHA-256', value: ({ sha256 }) => (sha256 === '' ? '-' : sha256.slice(0, 16)) },
  ]);
}

export function verificationLine({ intact, parts, entriesRead, entries }: BackupVerification): string {
  const read = `${count(entriesRead)} of ${count(entries)} records in ${count(parts)} parts read again`;
  return intact
    ? `${paint('good', 'The backup is what was written')}: ${read}.`
    : `${paint('bad', 'The backup is damaged')}: ${read}.`;
}

/** What a restore did, line by line, without those that are zero. */
export function restoreLines(counts: RestoreCounts, dryRun: boolean): readonly string[] {
  const would = dryRun ? 'would be ' : '';
  const texts: Readonly<Record<keyof RestoreCounts, string>> = {
    entries: 'records of the backup looked at',
    unchanged: 'as they were',
    restored: `${would}restored`,
    kept: 'newer writes kept',
    setAside: `newer writes ${would}put into quarantine`,
    removed: `created later, ${would}put into quarantine`,
    rejected: 'with no room on their side, in quarantine',
    damaged: 'pieces of the backup that cannot be read, in quarantine',
  };
  return Object.entries(texts)
    .map(([name, text]) => ({ name, text, value: counts[name as keyof RestoreCounts] }))
    .filter(({ name, value }) => value > 0 || name === 'entries' || name === 'restored')
    .map(({ text, value }) => `${count(value).padStart(12)}  ${text}`);
}

export function quarantineTable(entries: readonly QuarantineEntry[]): string {
  return renderTable(entries, [
    { title: 'RECORD', value: ({ key }) => recordPk(key) },
    { title: 'REASON', value: ({ errorName }) => errorName },
    { title: 'TRIES', align: 'right', value: ({ attempts }) => count(attempts) },
    { title: 'SINCE', value: ({ firstSeenAtMs }) => new Date(firstSeenAtMs).toISOString().slice(0, 19) },
  ]);
}
