import type { Check } from '../../lib/orchestrator/operations/pre-check.ts';
import { titleOf } from './consistency-views.ts';
import { paint } from './terminal.ts';

/** How a runbook calls a check, and what it says when the check passes. */
const spoken: Readonly<Record<string, readonly [title: string, passed: string]>> = {
  integrity: ['Data Integrity', '100%'],
  consistency: ['State Consistency', 'No issues'],
  performance: ['Performance', 'Meets SLA'],
  'user-sessions': ['User Sessions', 'Active'],
  'learning-data': ['Learning Continuity', 'Verified'],
  configuration: ['Configuration', 'Applied'],
  metadata: ['Metadata', 'Complete'],
};

/** Those that are only means to the others. */
const unspoken = new Set(['schema', 'copy', 'identity', 'quarantine', 'continuity']);

/** `✓ Data Integrity: 100%`, one for each check that a runbook asks about. */
export function validationSummary(checks: readonly Check[]): readonly string[] {
  return checks
    .filter(({ name }) => !unspoken.has(name))
    .map(({ name, result, detail }) => {
      const [title, passed] = spoken[name] ?? [titleOf(name), 'Verified'];
      if (result === 'pass') return `${paint('good', '✓')} ${title}: ${passed}`;
      return `${result === 'warn' ? paint('warn', '!') : paint('bad', '✗')} ${title}: ${detail}`;
    });
}
