import type { Comparison, RecordDifference } from '../../lib/migration/editions/compare-records.ts';
import type { FinishedCopy } from '../state/finish-copy.ts';
import type { ReloadTest } from '../state/reload-test.ts';
import { auditVerdict, sealLine } from './audit-views.ts';
import { count } from './quantities.ts';

export interface ComparedSystems {
  readonly left: string;
  readonly right: string;
}

/** A line for each difference, and one for each member that differs. */
export function differenceLines(
  differences: readonly RecordDifference[],
  systems: ComparedSystems,
): readonly string[] {
  return differences.flatMap((difference) => {
    const { pk } = difference;
    if (difference.kind === 'only-left') return [`${pk}: only in ${systems.left}`];
    if (difference.kind === 'only-right') return [`${pk}: only in ${systems.right}`];
    if (difference.kind === 'unreadable') return [`${pk}: cannot be compared: ${difference.note}`];
    const members = difference.members.map(
      ({ path, left, right }) => `  ${path}: ${left ?? '(absent)'} -> ${right ?? '(absent)'}`,
    );
    return [`${pk}: differs`, ...members];
  });
}

export function comparisonVerdict(comparison: Comparison, systems: ComparedSystems): string {
  const { outcome, left, right, equal, differences } = comparison;
  const looked = `${count(left)} records in ${systems.left}, ${count(right)} in ${systems.right}`;
  if (outcome === 'unproven') return `Nothing was compared: ${looked}.`;
  if (outcome === 'equal') return `Equal: ${looked}.`;
  return `Different: ${looked}, ${count(equal)} equal, ${count(differences.length)} different.`;
}

export function reloadLines({ reloads, changes }: ReloadTest): readonly string[] {
  return reloads.map(({ edition, looks, seen, applied }) => {
    const reader = `${count(looks)} looks saw ${seen.join(', then ')}`;
    const system =
      applied === null ? '' : `; the running system applied it after ${count(applied.afterMs)} ms`;
    return `edition ${edition}: ${count(changes)} settings; ${reader}${system}`;
  });
}

/** What came after a copy: what became visible, and whether the audit stream is what it should be. */
export function finishedLines({ editions, audit }: FinishedCopy): readonly string[] {
  const published = editions.map(
    ({ category, number, count: records }) =>
      `Edition ${number} of ${category} is visible: ${count(records)} records, all at once.`,
  );
  if (audit === null) return published;
  return [...published, ...audit.seals.map((stream) => sealLine(stream, false)), auditVerdict(audit.report)];
}
