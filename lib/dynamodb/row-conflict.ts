import { cancellationReasons } from '../aws/faults.ts';
import { HalError } from '../kernel/errors.ts';
import { recordPk } from '../migration/key.ts';
import type { RecordKey } from '../migration/row.ts';

/** What the store says when no item can be what was written: too large, a number beyond its range, an empty key. */
const refusals = new Set(['ValidationException', 'ValidationError', 'ItemCollectionSizeLimitExceeded']);

/** HalError `RowConflict` where the store refuses the row itself; else the fault as it is. */
export function rowConflict(fault: unknown, key: RecordKey): unknown {
  if (!(fault instanceof Error)) return fault;
  const reasons = cancellationReasons(fault)?.map(({ Code = '', Message = '' }) => ({ Code, Message }));
  const refusal = [{ Code: fault.name, Message: fault.message }, ...(reasons ?? [])].find(({ Code }) =>
    refusals.has(Code),
  );
  if (refusal === undefined) return fault;
  return new HalError({
    name: 'RowConflict',
    message: `DynamoDB does not take the row of ${recordPk(key)}: ${refusal.Message}`,
    remedy: 'Change the record so that it fits its table, and write it again.',
    exit: 'conflict',
    facts: { key, reason: refusal.Message },
    cause: fault,
  });
}
