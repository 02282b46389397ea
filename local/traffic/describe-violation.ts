import type { Violation } from './check-key.ts';
import type { KeyHistory, ReadOperation, WriteOperation } from './history.ts';

/** What was seen and what should have been, in one sentence, and the operations around it, a line each. */
export function describeViolation(violation: Violation, history: KeyHistory): readonly string[] {
  const { kind, key, seen, read, missing } = violation;
  const where = read === null ? 'the final state' : `read ${read.id} of ${read.user}`;
  const instead =
    missing === null
      ? `the state before any write was ${shown(history.initial)}`
      : `write ${missing.id} (${shown(missing.value)}) was acknowledged at ${missing.acknowledgedAt} ms`;
  const operations = [...history.writes, ...history.reads].toSorted(
    (left, right) => left.invokedAt - right.invokedAt,
  );
  return [
    `${kind} of ${key}: ${where} shows ${shown(seen)}, but ${instead}`,
    ...operations.map((operation) => `  ${describeOperation(operation)}`),
  ];
}

function describeOperation(operation: WriteOperation | ReadOperation): string {
  const { id, user, value, invokedAt } = operation;
  if ('endedAt' in operation) {
    return `${invokedAt}..${operation.endedAt} ms: ${user} reads ${shown(value)} (${id})`;
  }
  const { acknowledgedAt } = operation;
  const end = acknowledgedAt === Infinity ? 'unknown' : `${acknowledgedAt} ms`;
  return `${invokedAt}..${end}: ${user} ${value === null ? 'deletes' : `writes ${shown(value)}`} (${id})`;
}

function shown(value: string | null): string {
  return value ?? 'no row';
}
