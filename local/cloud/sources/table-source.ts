import {
  DescribeStreamCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
} from '@aws-sdk/client-dynamodb-streams';
import type { DynamoDBStreamsClient, Shard, _Record } from '@aws-sdk/client-dynamodb-streams';

import { localRegion } from '../../engines/arns.ts';
import { realSleep } from '../../engines/virtual-clock.ts';
import type { EventSource } from '../template/event-sources.ts';
import type { EventSourceDeps, RunningSource } from './deps.ts';
import { deliverInOrder } from './ordered-delivery.ts';
import type { OrderedDelivery, OrderedRecord } from './ordered-delivery.ts';
import type { Positions } from './positions.ts';

const idlePauseMs = 100;
const pauseAfterFaultMs = 500;
const shardRefreshMs = 5_000;

export interface TableSourceDeps extends EventSourceDeps {
  readonly client: DynamoDBStreamsClient;
  readonly streamArn: string;
  readonly positions: Positions;
  readonly giveUp: OrderedDelivery['giveUp'];
}

/** Reads a table's stream from TRIM_HORIZON or the kept position, each shard in order, and feeds the function. */
export function startTableSource(source: EventSource, deps: TableSourceDeps): RunningSource {
  const stopping = new AbortController();
  const readers = new Map<string, Promise<void>>();
  const watchShards = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        for (const shard of await listShards(deps)) {
          const shardId = shard.ShardId ?? '';
          if (!readers.has(shardId)) readers.set(shardId, readShard(source, deps, shardId, stopping.signal));
        }
      } catch (error) {
        if (!stopping.signal.aborted) deps.log(`${source.sourceName}: ${String(error)}`);
      }
      await realSleep(shardRefreshMs, stopping.signal);
    }
  };
  const watcher = watchShards();
  return {
    async stop() {
      stopping.abort();
      await watcher;
      await Promise.all(readers.values());
    },
  };
}

async function listShards(deps: TableSourceDeps): Promise<readonly Shard[]> {
  const shards: Shard[] = [];
  let after: string | undefined;
  do {
    const answer = await deps.client.send(
      new DescribeStreamCommand({
        StreamArn: deps.streamArn,
        ...(after === undefined ? {} : { ExclusiveStartShardId: after }),
      }),
    );
    shards.push(...(answer.StreamDescription?.Shards ?? []));
    after = answer.StreamDescription?.LastEvaluatedShardId;
  } while (after !== undefined);
  return shards;
}

async function readShard(
  source: EventSource,
  deps: TableSourceDeps,
  shardId: string,
  signal: AbortSignal,
): Promise<void> {
  const position = `${source.functionName} ${shardId}`;
  const delivery: OrderedDelivery = {
    source,
    deps,
    signal,
    advance: async (sequenceNumber) => deps.positions.set(position, sequenceNumber),
    giveUp: deps.giveUp,
  };
  let iterator: string | undefined;
  while (!signal.aborted) {
    try {
      iterator ??= await openIterator(deps, shardId, position);
      const page = await deps.client.send(
        new GetRecordsCommand({ ShardIterator: iterator, Limit: source.batchSize }),
        { abortSignal: signal },
      );
      const records = (page.Records ?? []).map((record) => orderedRecord(record, source.sourceArn));
      await deliverInOrder(delivery, records);
      if (page.NextShardIterator === undefined) return;
      iterator = page.NextShardIterator;
      if (records.length === 0) await realSleep(idlePauseMs, signal);
    } catch (error) {
      if (signal.aborted) return;
      deps.log(`${source.sourceName}: ${String(error)}`);
      // An iterator lives for minutes only; the position brings us back.
      iterator = undefined;
      await realSleep(pauseAfterFaultMs, signal);
    }
  }
}

async function openIterator(deps: TableSourceDeps, shardId: string, position: string): Promise<string> {
  const after = deps.positions.get(position);
  const answer = await deps.client.send(
    new GetShardIteratorCommand({
      StreamArn: deps.streamArn,
      ShardId: shardId,
      ...(after === undefined
        ? { ShardIteratorType: 'TRIM_HORIZON' }
        : { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', SequenceNumber: after }),
    }),
  );
  if (answer.ShardIterator === undefined) throw new Error(`no iterator for shard ${shardId}`);
  return answer.ShardIterator;
}

function orderedRecord(record: _Record, streamArn: string): OrderedRecord {
  const change = record.dynamodb;
  const body = {
    eventID: record.eventID,
    eventName: record.eventName,
    eventVersion: record.eventVersion ?? '1.1',
    eventSource: 'aws:dynamodb',
    awsRegion: localRegion,
    eventSourceARN: streamArn,
    dynamodb: {
      ...change,
      ApproximateCreationDateTime: (change?.ApproximateCreationDateTime?.getTime() ?? 0) / 1_000,
      Keys: asJson(change?.Keys),
      NewImage: asJson(change?.NewImage),
      OldImage: asJson(change?.OldImage),
    },
  };
  return { sequenceNumber: change?.SequenceNumber ?? '', body };
}

/** Binary attributes travel as base64 in a function's event. */
function asJson(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(asJson);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, asJson(item)]));
}
