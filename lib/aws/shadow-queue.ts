import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';

import { HalError } from '../kernel/errors.ts';
import type { ShadowQueue } from '../shadow/ports.ts';

const mostEntries = 10;

/** Samples in SQS, one message each. Throws a HalError `ShadowSamplesRefused` when the queue refused some. */
export function makeShadowQueue({ client, queueUrl }: { client: SQSClient; queueUrl: string }): ShadowQueue {
  return {
    async send(samples) {
      let refused = 0;
      for (let start = 0; start < samples.length; start += mostEntries) {
        const Entries = samples
          .slice(start, start + mostEntries)
          .map((sample, index) => ({ Id: String(index), MessageBody: JSON.stringify(sample) }));
        const answer = await client.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
        refused += answer.Failed?.length ?? 0;
      }
      if (refused > 0) throw samplesRefused(refused, samples.length);
    },
  };
}

function samplesRefused(refused: number, total: number): HalError {
  return new HalError({
    name: 'ShadowSamplesRefused',
    message: `The shadow queue refused ${refused} of ${total} samples.`,
    remedy: 'Look at the queue; users are not affected, only fewer requests are compared.',
    facts: { refused, total },
  });
}
