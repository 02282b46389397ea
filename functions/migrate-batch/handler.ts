import { handleEach, type PartialBatchResponse, type QueueEvent } from '../../lib/kernel/partial-batch.ts';
import { decodeRangeTask } from '../../lib/migration/message-encoding.ts';
import {
  makeMigrateRange,
  type MigrateRangeDeps,
  type RangeOutcome,
} from '../../lib/migration/migrate-range.ts';

export interface MigrateBatchDeps extends MigrateRangeDeps {
  /** Told of every range, for metrics and logs. */
  onRange?(rangeId: string, outcome: RangeOutcome): void;
  onFailure?(messageId: string, error: unknown): void;
}

/** Copies the ranges of an SQS event; a range that fails is delivered again and continues from its checkpoint. */
export function makeHandler(
  deps: MigrateBatchDeps,
): (event: QueueEvent, context: { readonly awsRequestId: string }) => Promise<PartialBatchResponse> {
  const migrateRange = makeMigrateRange(deps);
  return (event, { awsRequestId }) =>
    handleEach(
      event,
      async (body) => {
        const task = decodeRangeTask(body);
        const outcome = await migrateRange(task, awsRequestId);
        deps.onRange?.(task.rangeId, outcome);
      },
      (messageId, error) => deps.onFailure?.(messageId, error),
    );
}
