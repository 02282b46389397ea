import type { InvocationResult } from '../lambda/invocation.ts';

/** What became of a batch: which of its items, named by identifier, are to be delivered again. */
export type BatchOutcome =
  | { readonly kind: 'done'; readonly failed: ReadonlySet<string> }
  | { readonly kind: 'failed'; readonly reason: string };

interface ItemFailures {
  readonly batchItemFailures?: readonly { readonly itemIdentifier?: string | null }[] | null;
}

/**
 * Reads a function's answer as Lambda's pollers do: no body, an empty one or an empty list is success; an identifier
 * that is empty or not of the batch fails the whole batch.
 */
export function batchOutcome(
  result: InvocationResult | null,
  reportsItemFailures: boolean,
  identifiers: ReadonlySet<string>,
): BatchOutcome {
  if (result === null) return { kind: 'failed', reason: 'the function does not exist' };
  if (result.kind === 'failed') {
    return { kind: 'failed', reason: `${result.fault.errorType}: ${result.fault.errorMessage}` };
  }
  if (!reportsItemFailures) return { kind: 'done', failed: new Set() };
  const answer = JSON.parse(result.payload) as ItemFailures | null;
  const failed = new Set<string>();
  for (const { itemIdentifier } of answer?.batchItemFailures ?? []) {
    if (typeof itemIdentifier !== 'string' || !identifiers.has(itemIdentifier)) {
      return { kind: 'failed', reason: `batchItemFailures names the unknown item ${String(itemIdentifier)}` };
    }
    failed.add(itemIdentifier);
  }
  return { kind: 'done', failed };
}
