/** Answer of an event source handler: what is listed is delivered again, everything else is done. */
export interface PartialBatchResponse {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

/** What a handler needs of an SQS event. */
export interface QueueEvent {
  readonly Records: readonly { readonly messageId: string; readonly body: string }[];
}

/**
 * Handles messages one after the other; one that fails does not stop the others. `onFailure` is told each reason,
 * since the queue only learns that it failed.
 */
export async function handleEach(
  event: QueueEvent,
  handle: (body: string) => Promise<void>,
  onFailure: (messageId: string, error: unknown) => void,
): Promise<PartialBatchResponse> {
  const batchItemFailures: { itemIdentifier: string }[] = [];
  for (const { messageId, body } of event.Records) {
    try {
      await handle(body);
    } catch (error) {
      onFailure(messageId, error);
      batchItemFailures.push({ itemIdentifier: messageId });
    }
  }
  return { batchItemFailures };
}
