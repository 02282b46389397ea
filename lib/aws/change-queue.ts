import { SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';

import { encodeChangeMessage } from '../migration/message-encoding.ts';
import type { ChangeQueue } from '../migration/ports.ts';

/** One message per relay batch; the relay keeps a batch under the 1 MiB that a message may have. */
export function makeChangeQueue(deps: { client: SQSClient; queueUrl: string }): ChangeQueue {
  const { client, queueUrl } = deps;
  return {
    async send(message) {
      await client.send(
        new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: encodeChangeMessage(message) }),
      );
    },
  };
}
