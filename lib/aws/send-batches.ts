import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';

import type { Sleeper } from '../kernel/clock.ts';
import { HalError } from '../kernel/errors.ts';
import { backoffMs } from './backoff.ts';

const entriesPerRequest = 10;
/** A request holds 1 MiB in all of its messages. */
const bytesPerRequest = 1_048_576;
const maxRounds = 8;

/** Sends every body as a message of its own; repeats those that the queue refused for a moment. */
export async function sendBatches(
  deps: { client: SQSClient; queueUrl: string; sleeper: Sleeper },
  bodies: readonly string[],
): Promise<void> {
  for (const group of groupsOf(bodies)) await sendGroup(deps, group);
}

async function sendGroup(
  { client, queueUrl, sleeper }: { client: SQSClient; queueUrl: string; sleeper: Sleeper },
  bodies: readonly string[],
): Promise<void> {
  let open = bodies.map((MessageBody, index) => ({ Id: String(index), MessageBody }));
  for (let round = 0; open.length > 0; round += 1) {
    if (round > 0) await sleeper.sleep(backoffMs(round - 1));
    const answer = await client.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries: open }));
    const failed = answer.Failed ?? [];
    const refused = failed.find(({ SenderFault }) => SenderFault === true);
    if (refused !== undefined || (failed.length > 0 && round + 1 >= maxRounds)) {
      throw sendFailed(queueUrl, (refused ?? failed[0])?.Code, failed.length);
    }
    const failedIds = new Set(failed.map(({ Id }) => Id));
    open = open.filter(({ Id }) => failedIds.has(Id));
  }
}

/** In order; a group ends at ten messages or when the next would not fit the request. */
function* groupsOf(bodies: readonly string[]): Generator<string[]> {
  let group: string[] = [];
  let groupBytes = 0;
  for (const body of bodies) {
    const bytes = Buffer.byteLength(body);
    if (group.length === entriesPerRequest || (group.length > 0 && groupBytes + bytes > bytesPerRequest)) {
      yield group;
      group = [];
      groupBytes = 0;
    }
    group.push(body);
    groupBytes += bytes;
  }
  if (group.length > 0) yield group;
}

function sendFailed(queueUrl: string, code: string | undefined, messageCount: number): HalError {
  return new HalError({
    name: 'QueueRefusedMessages',
    message: `Queue ${queueUrl} refused ${messageCount} messages: ${code ?? 'no code'}.`,
    remedy: 'Nothing is lost: what was not sent is sent again by the next run. See the code for the cause.',
    exit: 'unavailable',
    facts: { queueUrl, code, messageCount },
  });
}
