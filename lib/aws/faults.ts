import {
  ConditionalCheckFailedException,
  TransactionCanceledException,
  type CancellationReason,
} from '@aws-sdk/client-dynamodb';

/** Nothing was written and the same request may succeed later. Codes as in transaction reasons and PartiQL answers. */
const retryableCodes = new Set([
  'TransactionConflict',
  'TransactionConflictException',
  'TransactionInProgressException',
  'ThrottlingError',
  'ThrottlingException',
  'Throttling',
  'ProvisionedThroughputExceeded',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'InternalServerError',
  'ServiceUnavailable',
]);

export function isRetryableCode(code: string | undefined): boolean {
  return code !== undefined && retryableCodes.has(code);
}

/** A fault of the service or of the network that says nothing against the request itself. */
export function isRetryableFault(fault: unknown): boolean {
  if (!(fault instanceof Error)) return false;
  return isRetryableCode(fault.name) || isOutcomeUnknown(fault);
}

/** The request may or may not have had its effect: no answer, or an answer of the server's own failure. */
export function isOutcomeUnknown(fault: unknown): boolean {
  if (!(fault instanceof Error)) return false;
  const status = (fault as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
  if (status !== undefined) return status >= 500;
  const code = (fault as { code?: string }).code ?? fault.name;
  return networkCodes.has(code);
}

const networkCodes = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'EPIPE',
  'ETIMEDOUT',
  'TimeoutError',
  'RequestTimeout',
  'AbortError',
]);

export function isConditionFailed(fault: unknown): fault is ConditionalCheckFailedException {
  return fault instanceof ConditionalCheckFailedException;
}

/** One reason per action of a cancelled transaction, in order; null when the fault is something else. */
export function cancellationReasons(fault: unknown): readonly CancellationReason[] | null {
  return fault instanceof TransactionCanceledException ? (fault.CancellationReasons ?? []) : null;
}
