import type { PartialBatchResponse } from '../../lib/kernel/partial-batch.ts';
import { itemToRecord } from '../../lib/migration/record-item.ts';
import type { StoredRecord } from '../../lib/migration/record.ts';
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

interface Numbered {
  readonly sequenceNumber: string;
  readonly image: StoredRecord;
}

/**
 * Carries the hierarchical writes of a stream event to flat. Order within a shard matters, so the first record that
 * cannot be applied yet ends the batch; the stream delivers it again, and everything after it.
 */
export function makeHandler(
  deps: ReverseChangesHandlerDeps,
): (event: StreamEvent) => Promise<PartialBatchResponse> {
  const carry = makeReverseChanges(deps);
  return async (event) => {
    const failed = (await carryTogether(deps, carry, event)) ?? (await carryOneByOne(deps, carry, event));
    return { batchItemFailures: failed === '' ? [] : [{ itemIdentifier: failed }] };
  };
}

type Carry = ReturnType<typeof makeReverseChanges>;

const tooEarly = 'flat does not follow the epoch of this record yet';

/** Number of the first record that came too early, empty when none did; null when a record cannot be carried. */
async function carryTogether(
  deps: ReverseChangesHandlerDeps,
  carry: Carry,
  event: StreamEvent,
): Promise<string | null> {
  try {
    const numbered = event.Records.flatMap(numberedImage);
    const results = await carry(numbered.map(({ image }) => image));
    const early = numbered[results.indexOf('too-early')];
    if (early !== undefined) deps.onFailure?.(early.sequenceNumber, new Error(tooEarly));
    return early?.sequenceNumber ?? '';
  } catch {
    // One by one it shows which of them it was, and is told there.
    return null;
  }
}

/** Number of the first record that cannot be carried, which is told; empty when all are through. */
async function carryOneByOne(
  deps: ReverseChangesHandlerDeps,
  carry: Carry,
  event: StreamEvent,
): Promise<string> {
  for (const record of event.Records) {
    const sequenceNumber = record.dynamodb?.SequenceNumber ?? '';
    try {
      const [result] = await carry(numberedImage(record).map(({ image }) => image));
      if (result === 'too-early') throw new Error(tooEarly);
    } catch (error) {
      deps.onFailure?.(sequenceNumber, error);
      return sequenceNumber;
    }
  }
  return '';
}

/** A deletion has no image: the tables' TTL removes records, no writer does. */
function numberedImage({ dynamodb }: StreamEvent['Records'][number]): readonly Numbered[] {
  if (dynamodb?.NewImage === undefined) return [];
  const image = itemToRecord(plainItem(dynamodb.NewImage));
  return [{ sequenceNumber: dynamodb.SequenceNumber ?? '', image }];
}

/** State items hold only strings and numbers. */
function plainItem(image: Readonly<Record<string, AttributeValue>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(image).map(([name, value]) => [name, value['S'] ?? value['N']]));
}
