import { exitCodes } from '../../lib/kernel/errors.ts';
import type { ExitCodeName } from '../../lib/kernel/errors.ts';

const meanings: Readonly<Record<ExitCodeName, string>> = {
  ok: 'done',
  failed: 'failed; the message says why',
  usage: 'the command was wrong: unknown name, bad value, missing option',
  partial: 'part of the work was done and the rest was named',
  unauthorized: 'not authenticated, or not allowed',
  rolledBack: 'the migration ended rolled back',
  gateFailed: 'a gate, a check or a verification failed',
  approvalPending: 'waiting for an approval',
  timedOut: 'the wait ended before the work did; the work goes on',
  conflict: 'something else is under way, or the order of phases forbids it',
  sourceRejected: 'the source store is missing, unreadable or not of the expected shape',
  unavailable: 'an engine, an endpoint or the local cloud could not be reached',
  interrupted: 'interrupted by Ctrl-C; what was started goes on',
};

/** Text of `hal9-migrate help exit-codes`. */
export function exitCodeHelp(): string {
  const rows = (Object.keys(meanings) as ExitCodeName[]).map(
    (name) => `  ${String(exitCodes[name]).padStart(3)}  ${meanings[name]}`,
  );
  return ['Exit codes', ...rows].join('\n');
}
