import type { StreamEvent } from '../../functions/reverse-changes/handler.ts';
import type { PartialBatchResponse } from '../../lib/kernel/partial-batch.ts';
import { recordToItem } from '../../lib/migration/record-item.ts';
import type { TargetRecord } from '../../lib/migration/record.ts';
import { randomInt, type Random } from '../../lib/kernel/random.ts';
import type { Faults } from './faults.ts';
import type { Ending } from './processes.ts';
import type { Scheduler } from './scheduler.ts';

export interface SimulatedStream {
  append(record: TargetRecord): void;
  size(): number;
}

type StreamRecord = StreamEvent['Records'][number];

const batchSize = 5;
const retryAfterMs = 2_000;

/** One shard of a change stream: in order, at least once, a batch again and again until it succeeds. */
export function makeSimulatedStream(
  world: { readonly scheduler: Scheduler; readonly faults: Faults; readonly random: Random },
  consume: (event: StreamEvent) => Promise<Ending<PartialBatchResponse>>,
): SimulatedStream {
  const { scheduler, faults, random } = world;
  const waiting: StreamRecord[] = [];
  let sequence = 0;
  let busy = false;

  /** Now and then an attribute is missing; not the origin, without which the event source would filter it out. */
  const asDelivered = (record: StreamRecord): StreamRecord => {
    const image = record.dynamodb?.NewImage;
    if (image === undefined || !faults.happens('malformedBody')) return record;
    const names = Object.keys(image).filter((name) => name !== 'origin');
    const cut = names[randomInt(random, names.length)];
    const NewImage = Object.fromEntries(Object.entries(image).filter(([name]) => name !== cut));
    return { dynamodb: { ...record.dynamodb, NewImage } };
  };

  const deliver = async (): Promise<void> => {
    if (busy || waiting.length === 0) return;
    // Retention is over, or the iterator begins at the end: what was waiting is never delivered.
    if (faults.happens('streamTrimmed')) {
      waiting.length = 0;
      return;
    }
    busy = true;
    const batch = waiting.slice(0, batchSize);
    const ending = await consume({ Records: batch.map(asDelivered) });
    busy = false;
    const done = faults.happens('streamReplayed') ? 0 : doneCount(ending, batch);
    waiting.splice(0, done);
    scheduler.at(done === batch.length ? 5 : retryAfterMs, () => void deliver());
  };

  return {
    append(record) {
      sequence += 1;
      const image = Object.entries(recordToItem(record)).map(([name, value]) => [
        name,
        typeof value === 'number' ? { N: String(value) } : { S: String(value) },
      ]);
      waiting.push({
        dynamodb: {
          SequenceNumber: String(sequence),
          NewImage: Object.fromEntries(image) as Record<string, Record<string, unknown>>,
        },
      });
      scheduler.at(20, () => void deliver());
    },
    size: () => waiting.length,
  };
}

function doneCount(ending: Ending<PartialBatchResponse>, batch: StreamEvent['Records']): number {
  if (ending.kind !== 'returned') return 0;
  const [failure] = ending.result.batchItemFailures;
  if (failure === undefined) return batch.length;
  return batch.findIndex(({ dynamodb }) => dynamodb?.SequenceNumber === failure.itemIdentifier);
}
