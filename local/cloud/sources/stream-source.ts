import type { StreamEngine, StreamRecord } from '../../engines/ports.ts';
import { localRegion } from '../../engines/arns.ts';
import type { EventSource } from '../template/event-sources.ts';
import type { EventSourceDeps, RunningSource } from './deps.ts';
import { deliverInOrder } from './ordered-delivery.ts';
import type { OrderedDelivery } from './ordered-delivery.ts';

/** Subscribes a function to a Kinesis stream of the engine. */
export function startStreamSource(
  source: EventSource,
  streams: StreamEngine,
  deps: EventSourceDeps,
  giveUp: OrderedDelivery['giveUp'],
): RunningSource {
  const stopping = new AbortController();
  const delivery: OrderedDelivery = {
    source,
    deps,
    signal: stopping.signal,
    // The engine keeps no positions: what a killed cloud had not delivered is gone with it, as the stream itself.
    advance: async () => undefined,
    giveUp,
  };
  const subscription = streams.subscribe(source.sourceName, {
    batchSize: source.batchSize,
    batchWindowMs: source.batchWindowMs,
    onRecords: (records) =>
      deliverInOrder(
        delivery,
        records.map((record) => ({
          sequenceNumber: record.sequenceNumber,
          body: kinesisRecord(record, source.sourceArn),
        })),
      ),
  });
  return {
    async stop() {
      stopping.abort();
      await subscription.stop();
    },
  };
}

/** A Kinesis record as a function gets it. */
function kinesisRecord(record: StreamRecord, streamArn: string): object {
  return {
    kinesis: {
      kinesisSchemaVersion: '1.0',
      partitionKey: record.partitionKey,
      sequenceNumber: record.sequenceNumber,
      data: Buffer.from(record.data).toString('base64'),
      approximateArrivalTimestamp: record.arrivedAtMs / 1_000,
    },
    eventSource: 'aws:kinesis',
    eventVersion: '1.0',
    eventID: `shardId-000000000000:${record.sequenceNumber}`,
    eventName: 'aws:kinesis:record',
    awsRegion: localRegion,
    eventSourceARN: streamArn,
  };
}
