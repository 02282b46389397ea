import { realSleep } from '../../engines/virtual-clock.ts';
import type { EventSource } from '../template/event-sources.ts';
import { batchOutcome } from './batch-response.ts';
import type { EventSourceDeps } from './deps.ts';

/** One record of a stream, ready to be sent. */
export interface OrderedRecord {
  readonly sequenceNumber: string;
  /** The record as the function gets it. */
  readonly body: unknown;
}

export interface OrderedDelivery {
  readonly source: EventSource;
  readonly deps: EventSourceDeps;
  readonly signal: AbortSignal;
  /** Called after each record from the first on is done or given up: the position after which to go on. */
  advance(sequenceNumber: string): Promise<void>;
  /** Tells the failure destination about records given up. */
  giveUp(records: readonly OrderedRecord[], reason: string): Promise<void>;
}

const firstPauseMs = 100;
const longestPauseMs = 5_000;

/**
 * Delivers what the source's filter lets through of one batch of a shard, in order. A failed batch is repeated from its first failed record, smaller when the
 * source bisects, until its retries are used up. Returns early when stopped; the rest is delivered again next time.
 */
export async function deliverInOrder(
  delivery: OrderedDelivery,
  records: readonly OrderedRecord[],
): Promise<void> {
  const wanted = records.filter(({ body }) => delivery.source.filter(body));
  const last = records.at(-1);
  await deliverWanted(delivery, wanted);
  // What was filtered out behind the last wanted one is done too.
  if (last !== undefined && last !== wanted.at(-1) && !delivery.signal.aborted) {
    await delivery.advance(last.sequenceNumber);
  }
}

async function deliverWanted(delivery: OrderedDelivery, records: readonly OrderedRecord[]): Promise<void> {
  let rest = records;
  let size = records.length;
  let failures = 0;
  while (rest.length > 0 && !delivery.signal.aborted) {
    const batch = rest.slice(0, size);
    const { done, reason } = await attempt(delivery, batch);
    if (done > 0) {
      rest = rest.slice(done);
      failures = 0;
      await delivery.advance(batch[done - 1]?.sequenceNumber ?? '');
    }
    if (reason === null) {
      size = rest.length;
      continue;
    }
    failures += 1;
    delivery.deps.log(`${delivery.source.sourceName}: attempt ${failures} failed: ${reason}`);
    if (delivery.source.bisects && done === 0 && size > 1) size = Math.ceil(size / 2);
    else if (delivery.source.maxRetries !== null && failures > delivery.source.maxRetries) {
      rest = await skip(delivery, rest, size, reason);
      failures = 0;
    }
    await realSleep(Math.min(firstPauseMs * 2 ** (failures - 1), longestPauseMs), delivery.signal);
  }
}

/** How many records from the front are done, and why the next one is not (null: all are). */
async function attempt(
  delivery: OrderedDelivery,
  batch: readonly OrderedRecord[],
): Promise<{ done: number; reason: string | null }> {
  const { source, deps } = delivery;
  const payload = JSON.stringify({ Records: batch.map((record) => record.body) });
  const identifiers = new Set(batch.map((record) => record.sequenceNumber));
  const outcome = batchOutcome(
    await deps.invoke(source.functionName, payload),
    source.reportsItemFailures,
    identifiers,
  );
  if (outcome.kind === 'failed') return { done: 0, reason: outcome.reason };
  const firstFailed = batch.findIndex((record) => outcome.failed.has(record.sequenceNumber));
  if (firstFailed < 0) return { done: batch.length, reason: null };
  return { done: firstFailed, reason: `record ${batch[firstFailed]?.sequenceNumber} was reported as failed` };
}

async function skip(
  delivery: OrderedDelivery,
  rest: readonly OrderedRecord[],
  size: number,
  reason: string,
): Promise<readonly OrderedRecord[]> {
  const dropped = rest.slice(0, size);
  await delivery.giveUp(dropped, reason);
  await delivery.advance(dropped.at(-1)?.sequenceNumber ?? '');
  return rest.slice(size);
}
