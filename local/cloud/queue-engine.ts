import { buildApp } from 'fauxqs';

import { localAccount, localRegion } from '../engines/arns.ts';

/** SQS, in this process. Its messages die with it: what they carry is sent again from the stores. */
export interface QueueEngine {
  readonly url: string;
  queueUrl(queueName: string): string;
  stop(): Promise<void>;
}

export async function startQueueEngine(): Promise<QueueEngine> {
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
