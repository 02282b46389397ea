import { DeleteMessageBatchCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import type { Message, SQSClient } from '@aws-sdk/client-sqs';

import { localRegion } from '../../engines/arns.ts';
import { realSleep } from '../../engines/virtual-clock.ts';
import type { EventSource } from '../template/event-sources.ts';
import { batchOutcome } from './batch-response.ts';
import type { EventSourceDeps, RunningSource } from './deps.ts';

/** One receive returns at most this many messages. */
const receiveLimit = 10;
const longPollSeconds = 20;
const pauseAfterFaultMs = 500;

/** Polls a queue as Lambda does: messages of a failed invocation come back when their visibility timeout ends. */
export function startQueueSource(
  source: EventSource,
  queueUrl: string,
  client: SQSClient,
  deps: EventSourceDeps,
): RunningSource {
  const stopping = new AbortController();
  const poll = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        const messages = await receive(client, queueUrl, source.batchSize, stopping.signal);
        if (messages.length > 0) await deliver(source, queueUrl, client, deps, messages);
      } catch (error) {
        if (stopping.signal.aborted) return;
        deps.log(`${source.sourceName}: ${String(error)}`);
        await realSleep(pauseAfterFaultMs, stopping.signal);
      }
    }
  };
  const pollers = Array.from({ length: source.maxConcurrency }, poll);
  return {
    async stop() {
      stopping.abort();
      await Promise.all(pollers);
    },
  };
}

async function receive(
  client: SQSClient,
  queueUrl: string,
  batchSize: number,
  abortSignal: AbortSignal,
): Promise<readonly Message[]> {
  const answer = await client.send(
    new ReceiveMessageCommand({
      QueueUrl: queueUrl,
      MaxNumberOfMessages: Math.min(batchSize, receiveLimit),
      WaitTimeSeconds: longPollSeconds,
      MessageSystemAttributeNames: ['All'],
      MessageAttributeNames: ['All'],
    }),
    { abortSignal },
  );
  return answer.Messages ?? [];
}

async function deliver(
  source: EventSource,
  queueUrl: string,
  client: SQSClient,
  deps: EventSourceDeps,
  messages: readonly Message[],
): Promise<void> {
  const records = messages.map((message) => queueRecord(message, source.sourceArn));
  const result = await deps.invoke(source.functionName, JSON.stringify({ Records: records }));
  const identifiers = new Set(messages.map((message) => message.MessageId ?? ''));
  const outcome = batchOutcome(result, source.reportsItemFailures, identifiers);
  if (outcome.kind === 'failed') {
    deps.log(`${source.sourceName}: ${messages.length} messages stay: ${outcome.reason}`);
    return;
  }
  const handled = messages.filter((message) => !outcome.failed.has(message.MessageId ?? ''));
  if (handled.length === 0) return;
  await client.send(
    new DeleteMessageBatchCommand({
      QueueUrl: queueUrl,
      Entries: handled.map((message, index) => ({
        Id: String(index),
        ReceiptHandle: message.ReceiptHandle ?? '',
      })),
    }),
  );
}

/** An SQS record as a function gets it. */
function queueRecord(message: Message, queueArn: string): object {
  return {
    messageId: message.MessageId,
    receiptHandle: message.ReceiptHandle,
    body: message.Body,
    attributes: message.Attributes ?? {},
    messageAttributes: Object.fromEntries(
      Object.entries(message.MessageAttributes ?? {}).map(([name, value]) => [
        name,
        { dataType: value.DataType, stringValue: value.StringValue },
      ]),
    ),
    md5OfBody: message.MD5OfBody,
    eventSource: 'aws:sqs',
    eventSourceARN: queueArn,
    awsRegion: localRegion,
  };
}
