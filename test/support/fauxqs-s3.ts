import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { startFauxqs } from 'fauxqs';

export interface TestObjects {
  readonly endpoint: string;
  readonly client: S3Client;
  createBucket(): Promise<string>;
  /** Flips one bit of an object in place. */
  flipBit(bucket: string, key: string, at: number): Promise<void>;
  stop(): Promise<void>;
}

/** An S3 in this process, on a free port. */
export async function startObjects(): Promise<TestObjects> {
  const server = await startFauxqs({ port: 0, logger: false });
  const endpoint = `http://127.0.0.1:${server.port}`;
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    forcePathStyle: true,
  });
  let buckets = 0;
  return {
    endpoint,
    client,
    async createBucket() {
      buckets += 1;
      await client.send(new CreateBucketCommand({ Bucket: `bucket-${buckets}` }));
      return `bucket-${buckets}`;
    },
    async flipBit(Bucket, Key, at) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
      const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array();
      bytes[at] = (bytes[at] ?? 0) ^ 0x10;
      await client.send(new PutObjectCommand({ Bucket, Key, Body: bytes }));
    },
    async stop() {
      client.destroy();
      await server.stop();
    },
  };
}
