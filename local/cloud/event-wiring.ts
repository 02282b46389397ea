import type { DynamoDBStreamsClient } from '@aws-sdk/client-dynamodb-streams';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import type { SQSClient } from '@aws-sdk/client-sqs';

import { nameInArn } from '../engines/arns.ts';
import type { Engines } from '../engines/ports.ts';
import type { LambdaRuntime } from './lambda/lambda-runtime.ts';
import type { EventSourceDeps, RunningSource } from './sources/deps.ts';
import type { OrderedDelivery } from './sources/ordered-delivery.ts';
import type { Positions } from './sources/positions.ts';
import { startQueueSource } from './sources/queue-source.ts';
import { startStreamSource } from './sources/stream-source.ts';
import { startTableSource } from './sources/table-source.ts';
import { eventSources, scheduledInvocations } from './template/event-sources.ts';
import type { EventSource } from './template/event-sources.ts';
import type { ResolvedResource } from './template/resolve.ts';
import type { LocalTable } from './template/tables.ts';

export interface WiringDeps {
  readonly lambda: LambdaRuntime;
  readonly engines: Engines;
  readonly queues: SQSClient;
  readonly tableStreams: DynamoDBStreamsClient;
  readonly tables: readonly LocalTable[];
  readonly positions: Positions;
  queueUrl(queueName: string): string;
  log(line: string): void;
}

/** Starts every event source mapping and every schedule of the templates. */
export function wireEvents(
  resources: readonly ResolvedResource[],
  deps: WiringDeps,
): readonly RunningSource[] {
  schedule(resources, deps);
  return eventSources(resources).map((source) => startSource(source, deps));
}

function startSource(source: EventSource, deps: WiringDeps): RunningSource {
  const common: EventSourceDeps = {
    invoke: (functionName, payload) => deps.lambda.invoke(functionName, payload),
    log: (line) => deps.log(line),
  };
  const giveUp = failureDestination(source, deps);
  switch (source.kind) {
    case 'queue':
      return startQueueSource(source, deps.queueUrl(source.sourceName), deps.queues, common);
    case 'stream':
      return startStreamSource(source, deps.engines.streams, common, giveUp);
    case 'table':
    default:
      return startTableSource(source, {
        ...common,
        client: deps.tableStreams,
        streamArn: streamArnOf(source, deps.tables),
        positions: deps.positions,
        giveUp,
      });
  }
}

function streamArnOf(source: EventSource, tables: readonly LocalTable[]): string {
  const arn = tables.find((table) => table.name === source.sourceName)?.streamArn;
  if (arn === undefined) throw new Error(`the table ${source.sourceName} has no stream`);
  return arn;
}

/** Tells the queue of the mapping which records were given up, as Lambda does: where they are, not what they hold. */
function failureDestination(source: EventSource, deps: WiringDeps): OrderedDelivery['giveUp'] {
  return async (records, reason) => {
    deps.log(`${source.sourceName}: ${records.length} records given up: ${reason}`);
    if (source.failureQueueArn === null) return;
    const body = {
      requestContext: { condition: 'RetryAttemptsExhausted', functionArn: source.functionName },
      reason,
      batchInfo: {
        batchSize: records.length,
        startSequenceNumber: records[0]?.sequenceNumber,
        endSequenceNumber: records.at(-1)?.sequenceNumber,
        streamArn: source.sourceArn,
      },
    };
    const QueueUrl = deps.queueUrl(nameInArn(source.failureQueueArn));
    await deps.queues.send(new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify(body) }));
  };
}

/** A run that fails is not repeated: the next one comes by itself. */
function schedule(resources: readonly ResolvedResource[], deps: WiringDeps): void {
  for (const { name, rate, functionName, payload } of scheduledInvocations(resources)) {
    deps.engines.scheduler.every(name, rate, async () => {
      const result = await deps.lambda.invoke(functionName, payload);
      if (result === null) deps.log(`schedule ${name}: there is no function ${functionName}`);
      else if (result.kind === 'failed') {
        deps.log(`schedule ${name}: ${result.fault.errorType}: ${result.fault.errorMessage}`);
      }
    });
  }
}
