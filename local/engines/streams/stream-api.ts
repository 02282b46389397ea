import { ApiFault } from '../api-fault.ts';
import type { TargetOperations } from '../api-service.ts';
import type { WireObject } from '../ports.ts';
import type { InputReader } from '../wire-input.ts';
import { readInput } from '../wire-input.ts';
import type { StreamRegistry } from './stream-registry.ts';
import { streamArn } from './stream-registry.ts';

const shard = 'shardId-000000000000';
const largestRecord = 1024 * 1024;
const largestPut = 500;

export function streamOperations(registry: StreamRegistry): TargetOperations {
  return {
    PutRecord(wire) {
      const input = readInput(wire);
      const record = registry.log(streamIn(input)).append(input.text('PartitionKey'), dataIn(input));
      return { ShardId: shard, SequenceNumber: record.sequenceNumber };
    },
    PutRecords(wire) {
      const input = readInput(wire);
      const log = registry.log(streamIn(input));
      const entries = input.objects('Records').map((entry) => readInput(entry));
      if (entries.length === 0 || entries.length > largestPut) {
        throw new ApiFault('InvalidArgumentException', 400, `PutRecords takes 1 to ${largestPut} records`);
      }
      const accepted = entries.map((entry) => ({ key: entry.text('PartitionKey'), data: dataIn(entry) }));
      return {
        FailedRecordCount: 0,
        Records: accepted.map(({ key, data }) => ({
          ShardId: shard,
          SequenceNumber: log.append(key, data).sequenceNumber,
        })),
      };
    },
    ListStreams: () => ({ StreamNames: registry.names(), HasMoreStreams: false }),
    DescribeStreamSummary(wire) {
      const name = streamIn(readInput(wire));
      registry.log(name);
      return { StreamDescriptionSummary: summary(name) };
    },
  };
}

function streamIn(input: InputReader): string {
  return input.optionalText('StreamName') ?? input.text('StreamARN').split('/').at(-1) ?? '';
}

function dataIn(input: InputReader): Uint8Array {
  const data = Buffer.from(input.text('Data'), 'base64');
  if (data.length > largestRecord) {
    throw new ApiFault('InvalidArgumentException', 400, 'a record holds at most 1 MiB');
  }
  return data;
}

function summary(name: string): WireObject {
  return {
    StreamName: name,
    StreamARN: streamArn(name),
    StreamStatus: 'ACTIVE',
    StreamModeDetails: { StreamMode: 'ON_DEMAND' },
    RetentionPeriodHours: 24,
    StreamCreationTimestamp: 0,
    EnhancedMonitoring: [],
    OpenShardCount: 1,
  };
}
