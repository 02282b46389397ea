import { buildApp } from 'fauxqs';

import { localAccount, localRegion } from '../engines/arns.ts';

/**
 * SQS and S3, in this process. Messages die with it: what they carry is sent again from the stores. Objects are files
 * in a directory when one is given, and outlive it.
 */
export interface QueueEngine {
  readonly url: string;
  queueUrl(queueName: string): string;
  stop(): Promise<void>;
}

export async function startQueueEngine(options: { readonly objects?: string } = {}): Promise<QueueEngine> {
  await acceptWhatSqsAccepts();
  // The package's own start function listens on every interface; the application alone listens where it is told.
  const stores = options.objects === undefined ? {} : { stores: await storesIn(options.objects) };
  const app = buildApp({ logger: false, defaultRegion: localRegion, ...stores });
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  return {
    url,
    queueUrl: (queueName) => `${url}/${localAccount}/${queueName}`,
    async stop() {
      await app.close();
    },
  };
}

type Stores = NonNullable<NonNullable<Parameters<typeof buildApp>[0]>['stores']>;

async function part<Module>(path: string): Promise<Module> {
  return (await import(new URL(path, import.meta.resolve('fauxqs')).href)) as Module;
}

/** What the package's own start function does with a storage directory. */
async function storesIn(directory: string): Promise<Stores> {
  const [{ S3Store }, { FileS3Persistence }, { SqsStore }, { SnsStore }] = await Promise.all([
    part<{ S3Store: new () => Stores['s3Store'] }>('s3/s3Store.js'),
    part<{ FileS3Persistence: new (directory: string) => Persistence }>('s3/fileS3Persistence.js'),
    part<{ SqsStore: new () => Stores['sqsStore'] }>('sqs/sqsStore.js'),
    part<{ SnsStore: new () => Stores['snsStore'] }>('sns/snsStore.js'),
  ]);
  const s3Store = new S3Store();
  const persistence = new FileS3Persistence(directory);
  persistence.loadS3(s3Store);
  s3Store.persistence = persistence;
  return { s3Store, sqsStore: new SqsStore(), snsStore: new SnsStore() };
}

type Persistence = NonNullable<Stores['s3Store']['persistence']>;

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
