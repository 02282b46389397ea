import { CreateQueueCommand } from '@aws-sdk/client-sqs';
import type { SQSClient } from '@aws-sdk/client-sqs';

import { nameOf } from './identities.ts';
import { optionalNumber, propertyAt } from './properties.ts';
import type { ResolvedResource } from './resolve.ts';

/** Attributes of the API by properties of the template. */
const numericAttributes = {
  VisibilityTimeout: 'VisibilityTimeout',
  DelaySeconds: 'DelaySeconds',
  MessageRetentionPeriod: 'MessageRetentionPeriod',
  ReceiveMessageWaitTimeSeconds: 'ReceiveMessageWaitTimeSeconds',
} as const;

export function isQueue(resource: ResolvedResource): boolean {
  return resource.type === 'AWS::SQS::Queue';
}

/** Creates the queues, those without redrive first, since a redrive policy names a queue that must exist. */
export async function ensureQueues(client: SQSClient, resources: readonly ResolvedResource[]): Promise<void> {
  for (const resource of resources.toSorted((left, right) => redrives(left) - redrives(right))) {
    await client.send(
      new CreateQueueCommand({
        QueueName: nameOf(resource, 'QueueName'),
        Attributes: queueAttributes(resource),
      }),
    );
  }
}

function redrives(resource: ResolvedResource): number {
  return propertyAt(resource, 'RedrivePolicy') === undefined ? 0 : 1;
}

function queueAttributes(resource: ResolvedResource): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const [property, attribute] of Object.entries(numericAttributes)) {
    const value = optionalNumber(resource, property);
    if (value !== undefined) attributes[attribute] = String(value);
  }
  const redrive = propertyAt(resource, 'RedrivePolicy');
  if (redrive !== undefined) attributes['RedrivePolicy'] = JSON.stringify(redrive);
  return attributes;
}
