import { GetQueueAttributesCommand, type SQSClient } from '@aws-sdk/client-sqs';

import type { Sleeper } from '../kernel/clock.ts';
import { encodeRangeTask } from '../migration/message-encoding.ts';
import type { RangeQueue } from '../migration/ports.ts';
import { realSleeper } from './backoff.ts';
import { sendBatches } from './send-batches.ts';

const waitingCount = 'ApproximateNumberOfMessages';

/** One message per range. */
export function makeRangeQueue(deps: { client: SQSClient; queueUrl: string; sleeper?: Sleeper }): RangeQueue {
  const { client, queueUrl } = deps;
  const sleeper = deps.sleeper ?? realSleeper;
  return {
    send: (tasks) => sendBatches({ client, queueUrl, sleeper }, tasks.map(encodeRangeTask)),
    async hasWaiting() {
      const command = new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: [waitingCount] });
      const { Attributes } = await client.send(command);
      return Number(Attributes?.[waitingCount] ?? 0) > 0;
    },
  };
}
