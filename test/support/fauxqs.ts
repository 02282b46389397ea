import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { startFauxqs } from 'fauxqs';

export interface TestQueues {
  readonly client: SQSClient;
  /** Makes a standard queue and returns its URL. */
  createQueue(name: string): Promise<string>;
  stop(): Promise<void>;
}

/** An SQS in this process, on a free port. */
export async function startQueues(): Promise<TestQueues> {
  const server = await startFauxqs({ port: 0, logger: false });
  const client = new SQSClient({
    endpoint: `http://127.0.0.1:${server.port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  return {
    client,
    async createQueue(name) {
      const answer = await client.send(new CreateQueueCommand({ QueueName: name }));
      return answer.QueueUrl ?? '';
    },
    async stop() {
      client.destroy();
      await server.stop();
    },
  };
}
