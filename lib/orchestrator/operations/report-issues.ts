import type { AuditRecord } from '../../audit/record.ts';
import type { StateDescription } from '../../migration/state-description.ts';
import type { AlarmStatus } from '../../monitoring/ports.ts';

/** Something that did not go by itself, and what was or has to be done about it. */
export interface Issue {
  readonly open: boolean;
  readonly what: string;
  readonly resolution: string;
}

/** What is so now. */
export function openIssues(
  { categories, settings, logGaps, workers }: StateDescription,
  alarms: readonly AlarmStatus[],
): readonly Issue[] {
  const issues: Issue[] = [];
  const add = (what: string, resolution: string): void => void issues.push({ open: true, what, resolution });
  for (const { category, quarantined } of categories) {
    if (quarantined > 0)
      add(
        `${quarantined} records of ${category} are in quarantine`,
        'hal9-migrate state quarantine list, repair the rows, then replay',
      );
  }
  if (settings.copy.stopped)
    add(`the copy is stopped: ${settings.copy.reason}`, 'hal9-migrate state-migration --resume');
  for (const category of logGaps)
    add(`deletions of ${category} may be missing`, 'hal9-migrate reconcile --full --fix-mode auto');
  for (const { name, state, reason } of alarms) {
    if (state === 'ALARM') add(`the alarm ${name} is red: ${reason}`, 'its runbook');
  }
  for (const { slot, who, why } of workers.throttlings)
    add(`worker ${slot} was throttled by ${who}: ${why}`, 'it goes on by itself, more slowly');
  return issues;
}

/** What the audit log tells of. */
export function settledIssues(events: readonly AuditRecord[]): readonly Issue[] {
  return events.flatMap((event, at): Issue[] => {
    const told = storyOf(event, events.slice(at));
    return told === null ? [] : [{ open: false, ...told }];
  });
}

function storyOf(
  { action, principal, facts }: AuditRecord,
  later: readonly AuditRecord[],
): Omit<Issue, 'open'> | null {
  switch (action) {
    case 'stop-copy': {
      const resumed = later.find((event) => event.action === 'resume-copy');
      // Stopped to this day: that is an open one.
      if (resumed === undefined) return null;
      return {
        what: `${principal} stopped the copy: ${said(facts['reason'])}`,
        resolution: `${resumed.principal} let it go on`,
      };
    }
    case 'reconcile-state':
      return {
        what: `${keysIn(facts).length} records differed between both sides`,
        resolution: `${said(facts['written'])} repaired, ${said(facts['keptNewer'])} were newer on the target`,
      };
    case 'move-authority':
      if (facts['to'] !== 'flat') return null;
      return {
        what: `the authority over ${said(facts['category'])} went back to flat`,
        resolution: `by ${principal}`,
      };
    case 'roll-back':
      return {
        what: `a rollback was asked for by ${principal}`,
        resolution: facts['endedAtMs'] === null ? 'it did not finish' : 'everybody was on flat again',
      };
    default:
      return null;
  }
}

function keysIn(facts: AuditRecord['facts']): readonly unknown[] {
  return Array.isArray(facts['keys']) ? facts['keys'] : [];
}

function said(fact: unknown): string {
  return typeof fact === 'string' || typeof fact === 'number' ? String(fact) : 'no reason given';
}
