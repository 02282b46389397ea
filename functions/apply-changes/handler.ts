import { handleEach, type PartialBatchResponse, type QueueEvent } from '../../lib/kernel/partial-batch.ts';
import { makeApplyChanges, type ApplyChangesDeps } from '../../lib/migration/apply-changes.ts';
import { decodeChangeMessage } from '../../lib/migration/message-encoding.ts';
import type { WorkerThrottle } from '../../lib/migration/worker-throttle.ts';

export interface ApplyChangesHandlerDeps extends ApplyChangesDeps {
  /** The limits that `target` writes under, read anew with every event. */
  readonly throttle?: Pick<WorkerThrottle, 'refresh'>;
  onFailure?(messageId: string, error: unknown): void;
}

/** Applies the change messages of an SQS event. */
export function makeHandler(
  deps: ApplyChangesHandlerDeps,
): (event: QueueEvent) => Promise<PartialBatchResponse> {
  const applyChanges = makeApplyChanges(deps);
  return async (event) => {
    await deps.throttle?.refresh();
    return await handleEach(
      event,
      (body) => applyChanges(decodeChangeMessage(body)),
      (messageId, error) => deps.onFailure?.(messageId, error),
    );
  };
}
