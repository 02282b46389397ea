import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';

import { sha256Hex } from '../kernel/sha256.ts';
import type { LargeBodies } from '../migration/large-bodies.ts';
import { makeS3Client } from './clients.ts';

/** Objects `bodies/<sha256>` of a bucket. */
export function makeLargeBodies(deps: { client: S3Client; bucket: string }): LargeBodies {
  const { client, bucket } = deps;
  return {
    async put(text) {
      const bytes = Buffer.from(text);
      const sha256 = sha256Hex(bytes);
      await client.send(
        new PutObjectCommand({
          Bucket: bucket,
          Key: keyOf(sha256),
          Body: bytes,
          ContentType: 'application/json',
        }),
      );
      return sha256;
    },
    async get(sha256) {
      try {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: keyOf(sha256) }));
        const bytes = await Body?.transformToByteArray();
        if (bytes === undefined || sha256Hex(bytes) !== sha256) return null;
        return Buffer.from(bytes).toString('utf8');
      } catch (fault) {
        if (fault instanceof Error && fault.name === 'NoSuchKey') return null;
        throw fault;
      }
    },
  };
}

function keyOf(sha256: string): string {
  return `bodies/${sha256}`;
}

/** Where the bodies of a deployment are, as its functions are told. */
export interface BodySettings {
  readonly BODY_BUCKET: string;
  /** Set where an engine stands in for S3. */
  readonly AWS_ENDPOINT_URL_S3?: string | undefined;
}

export function openLargeBodies(env: BodySettings): LargeBodies {
  const client = makeS3Client({ pathStyle: env.AWS_ENDPOINT_URL_S3 !== undefined });
  return makeLargeBodies({ client, bucket: env.BODY_BUCKET });
}
