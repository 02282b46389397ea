import type { Category } from '../../lib/migration/category.ts';
import {
  totalOf,
  type CategoryVerification,
  type VerificationReport,
} from '../../lib/migration/verification-report.ts';
import { count } from './quantities.ts';
import { paint } from './terminal.ts';

/** `user-sessions` → `User Sessions`. */
export function titleOf(category: Category): string {
  return category
    .split('-')
    .map((word) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`)
    .join(' ');
}

/** Rounded down, so that 100 means every single one. */
function wholePercent(part: number, whole: number): string {
  return `${Math.floor((part / whole) * 10_000) / 100}%`;
}

/** One line for each category: how much of it is the same on both sides. What was never copied has no share. */
export function consistencyLines(
  report: Pick<VerificationReport, 'byCategory'>,
  notCopied: readonly Category[],
): readonly string[] {
  return Object.entries(report.byCategory).map(([category, counts]) => {
    const title = titleOf(category);
    if (notCopied.includes(category)) return `${paint('warn', '…')} ${title}: not copied yet`;
    const live = counts.total - counts.tombstoned;
    if (live === 0) return `${paint('good', '✓')} ${title}: no records on either side`;
    return `${markOf(counts, live)} ${title}: ${wholePercent(counts.verified, live)} consistent${faultsText(counts)}`;
  });
}

/** What is in quarantine is known and kept; it is no difference, and not what was asked for either. */
function markOf({ verified, quarantined }: CategoryVerification, live: number): string {
  if (verified === live) return paint('good', '✓');
  return verified + quarantined === live ? paint('warn', '!') : paint('bad', '✗');
}

const faultWords = {
  mismatches: 'mismatches',
  missing: 'missing',
  extra: 'extra',
  pending: 'on their way',
  quarantined: 'in quarantine',
} as const;

function faultsText(counts: CategoryVerification): string {
  const found = Object.entries(faultWords)
    .map(([name, word]) => [counts[name as keyof typeof faultWords], word] as const)
    .filter(([value]) => value > 0)
    .map(([value, word]) => `${count(value)} ${word}`);
  return found.length === 0 ? '' : ` (${found.join(', ')})`;
}

/** The sums over all categories; deleted records are none. */
export function totalLines(report: Pick<VerificationReport, 'byCategory'>): readonly string[] {
  const total = totalOf(report);
  const live = total.total - total.tombstoned;
  const verified = live === 0 ? '' : ` (${wholePercent(total.verified, live)})`;
  return [
    `Total Records: ${count(live)}`,
    `Verified: ${count(total.verified)}${verified}`,
    `Mismatches: ${count(total.mismatches)}`,
    `Missing: ${count(total.missing)}`,
    `Extra: ${count(total.extra)}`,
    ...(total.quarantined === 0 ? [] : [`Quarantined: ${count(total.quarantined)}`]),
    ...(total.pending === 0 ? [] : [`Pending: ${count(total.pending)}`]),
  ];
}
