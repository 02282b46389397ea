import type { PartialBatchResponse } from '../../lib/kernel/partial-batch.ts';
import { itemToRecord } from '../../lib/migration/record-item.ts';
import { makeReverseChanges, type ReverseChangesDeps } from '../../lib/migration/reverse-changes.ts';

/** What the handler needs of a DynamoDB stream event. */
export interface StreamEvent {
  readonly Records: readonly {
    readonly dynamodb?: {
      readonly SequenceNumber?: string;
      readonly NewImage?: Readonly<Record<string, AttributeValue>>;
    };
  }[];
}

type AttributeValue = Readonly<Record<string, unknown>>;

export interface ReverseChangesHandlerDeps extends ReverseChangesDeps {
  onFailure?(sequenceNumber: string, error: unknown): void;
}

/**
 * Carries the hierarchical writes of a stream event to flat. Order within a shard matters, so the first record that
 * cannot be applied yet ends the batch; the stream delivers it again, and everything after it.
 */
export function makeHandler(
  deps: ReverseChangesHandlerDeps,
): (event: StreamEvent) => Promise<PartialBatchResponse> {
  const reverseChange = makeReverseChanges(deps);
  return async (event) => {
    for (const { dynamodb } of event.Records) {
      // A deletion has no image: the tables' TTL removes records, no writer does.
      if (dynamodb?.NewImage === undefined) continue;
      const sequenceNumber = dynamodb.SequenceNumber ?? '';
      try {
        const result = await reverseChange(itemToRecord(plainItem(dynamodb.NewImage)));
        if (result === 'too-early') throw new Error('flat does not follow the epoch of this record yet');
      } catch (error) {
        deps.onFailure?.(sequenceNumber, error);
        return { batchItemFailures: [{ itemIdentifier: sequenceNumber }] };
      }
    }
    return { batchItemFailures: [] };
  };
}

/** State items hold only strings and numbers. */
function plainItem(image: Readonly<Record<string, AttributeValue>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(image).map(([name, value]) => [name, value['S'] ?? value['N']]));
}
