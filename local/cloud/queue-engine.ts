import { buildApp } from 'fauxqs';

import { localAccount, localRegion } from '../engines/arns.ts';

/** SQS, in this process. Its messages die with it: what they carry is sent again from the stores. */
export interface QueueEngine {
  readonly url: string;
  queueUrl(queueName: string): string;
  stop(): Promise<void>;
}

export async function startQueueEngine(): Promise<QueueEngine> {
  await acceptWhatSqsAccepts();
  // The package's own start function listens on every interface; the application alone listens where it is told.
  const app = buildApp({ logger: false, defaultRegion: localRegion });
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  return {
    url,
    queueUrl: (queueName) => `${url}/${localAccount}/${queueName}`,
    async stop() {
      await app.close();
    },
  };
}

/** What a message body may not hold, by the API's reference. */
const refusedBySqs = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u;

/**
 * The package looks at UTF-16 units and so refuses every character beyond U+FFFF, which SQS accepts. Its pattern is
 * one object that all of its checks share; here it learns to judge whole characters.
 */
async function acceptWhatSqsAccepts(): Promise<void> {
  const types = new URL('sqs/sqsTypes.js', import.meta.resolve('fauxqs')).href;
  const { INVALID_MESSAGE_BODY_CHAR: pattern } = (await import(types)) as {
    INVALID_MESSAGE_BODY_CHAR: RegExp;
  };
  pattern.test = (body) => refusedBySqs.test(body);
}
